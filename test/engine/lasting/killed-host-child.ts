/**
 * A host that is killed: runs the execution of a script with the journal in a file, and tells what it prints. It dies as
 * soon as it is to print a text that it is given.
 */
import { appendFileSync } from "node:fs";
import { currentCall, RuntimeEngine, setupDefaults, SqliteJournal } from "../../../src/index.ts";
import { RequestChat } from "./request-chat.ts";

const [journalFile = "", effectsFile = "", code = "", killAt] = process.argv.slice(2);
const journal = await SqliteJournal.open(journalFile);
const stdout = (text: string): void => {
  if (killAt !== undefined && text.includes(killAt)) process.kill(process.pid, "SIGKILL");
  process.send!(text);
};
const engine = new RuntimeEngine({
  console: { stdout, stderr: () => {} },
  setup: [setupDefaults({ chatProvider: new RequestChat() })],
});
engine.addSetupFunction(async function app(vm) {
  const pay = (amount: unknown): string => {
    appendFileSync(effectsFile, `${currentCall()!.idempotencyKey} ${String(amount)}\n`);
    return `paid ${String(amount)}`;
  };
  await vm.op("pay", pay, { effect: "keyed" });
});
await engine.start();
const outcome = await engine.runScript({ code, name: "script.js" }, { journal, id: "execution", printsAgain: true });
process.send!(outcome);
await engine.close();
await journal.close();
process.disconnect!();
