import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { partOf } from "../machine/part-of.ts";

const built = (file: string): string => JSON.stringify(new URL(`../../dist/src/${file}`, import.meta.url).href);

/** A host that plays what it has recorded of a script in a thread, and exits at once. */
const HOST = `import { RuntimeEngine } from ${built("index.js")};
import { JournalRecorder, playJournal, readJournal } from ${built("replay.js")};
const chunks = [];
const journal = new JournalRecorder({ write: (chunk) => void chunks.push(chunk), redact: (text) => text, mayRedact: () => false });
const engine = new RuntimeEngine({ isolation: "thread", journal });
await engine.start();
await engine.runScript({ code: "process.exit(7)" });
await journal.close({ exitCode: 7 });
await engine.close();
await playJournal(await readJournal(chunks), { output() {}, said() {}, event() {} });
process.exit(7);`;

it("leaves no thread at work that the process would go down with when it exits", () => {
  for (let i = 0; i < partOf(60); i++) {
    const { status, signal } = spawnSync(process.execPath, ["--input-type=module", "-e", HOST], { stdio: "ignore" });
    expect([status, signal]).toEqual([7, null]);
  }
});
