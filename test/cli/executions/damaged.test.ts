import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CliResult } from "../run-cli.ts";
import { JournalFolder } from "./journal-folder.ts";

let folder: JournalFolder;
beforeEach(() => void (folder = new JournalFolder()));
afterEach(() => folder.remove());

describe("runs list", () => {
  it("shows what one file holds where the other one is damaged, and says what to do about that", async () => {
    const log = join(folder.path, "data", "runs.db");
    const list = (): Promise<CliResult> => folder.cli(["runs", "list", "--json"]);
    const ids = ({ stdout }: CliResult): unknown[] => stdout.match(/"script":"[^"]*"/g) ?? [];
    folder.file("plain.js", "console.log(1)");
    await folder.cli(["run", "plain.js"]);
    await folder.suspend("o1", [{ kind: "receive", number: 1, name: "paid" }]);
    expect(new Set(ids(await list()))).toEqual(new Set(['"script":"order.js"', '"script":"plain.js"']));
    const journal = readFileSync(folder.journalFile);
    writeFileSync(folder.journalFile, "no database");
    const runsOnly = await list();
    expect([runsOnly.code, ids(runsOnly)]).toEqual([74, ['"script":"plain.js"']]);
    expect(runsOnly.stderr).toMatch(
      /^error \[ERR_JOURNAL\].*executions\.db\); put a copy in its place, or move it away/,
    );
    writeFileSync(folder.journalFile, journal);
    for (const beside of ["-wal", "-shm"]) rmSync(log + beside, { force: true });
    writeFileSync(log, "no database");
    const executionsOnly = await list();
    expect([executionsOnly.code, ids(executionsOnly)]).toEqual([66, ['"script":"order.js"']]);
    expect(executionsOnly.stderr).toMatch(/^error \[ERR_NO_FILE\]: Cannot read the run log/);
  });
});
