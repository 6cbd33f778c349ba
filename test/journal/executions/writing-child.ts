/** Begins an execution, appends what it is told to, and says what became of it: node writing-child.ts <file> <id>. */
import { createInterface } from "node:readline";
import { SqliteJournal } from "../../../src/journal/executions/sqlite/sqlite-journal.ts";

const [file, id] = process.argv.slice(2) as [string, string];
// Left open: whoever forgets to close a journal is not kept alive by it.
const journal = await SqliteJournal.open(file, { silenceMs: 2000 });
const lease = await journal.begin(id, { script: "a.js" });
const say = (text: string): void => void process.stdout.write(`${text}\n`);
lease.lost.addEventListener("abort", () => say(`lost ${(lease.lost.reason as { code: string }).code}`));
say("begun");
for await (const line of createInterface({ input: process.stdin })) {
  const [word, text = ""] = line.split(" ");
  try {
    if (word === "append") await lease.append([{ kind: "note", text }]);
    else lease.appendSync([{ kind: "note", text: "x".repeat(Number(text)) }]);
    say(`kept ${text}`);
  } catch (error) {
    say((error as { code: string }).code);
  }
}
