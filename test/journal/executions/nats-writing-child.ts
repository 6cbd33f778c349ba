/** Begins an execution, appends what it is told to, and says what became of it: node nats-writing-child.ts <server> <id>. */
import { createInterface } from "node:readline";
import { NatsJournal } from "../../../src/journal/executions/nats/nats-journal.ts";

const [servers, id] = process.argv.slice(2) as [string, string];
const journal = await NatsJournal.open({ servers, silenceMs: 2000 });
const lease = await journal.begin(id, { script: "a.js" });
const say = (text: string): void => void process.stdout.write(`${text}\n`);
lease.lost.addEventListener("abort", () => say(`lost ${(lease.lost.reason as { code: string }).code}`));
say("begun");
for await (const text of createInterface({ input: process.stdin })) {
  try {
    await lease.append([{ kind: "note", text }]);
    say(`kept ${text}`);
  } catch (error) {
    say((error as { code: string }).code);
  }
}
