import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { readDetails, readOutcome, readRecordings } from "../../src/recordings/run-log/read-rows.ts";
import { RunLog } from "../../src/recordings/index.ts";

it.each([500, 9000, 1_000_000])(
  "a row of the log that is nested %i deep is damaged, and no more than that",
  (depth) => {
    const deep = `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
    expect(readOutcome({ outcome: `{"end":"completed","value":${deep}}` })).toEqual({ isDamaged: true });
    expect(readDetails({ details: `{"args":${deep}}` })).toBeUndefined();
    expect(readRecordings(`[${deep}]`)).toEqual({ recordings: [], damaged: 1 });
  },
);

describe("an integer in the log that no number holds", () => {
  const folder = mkdtempSync(join(tmpdir(), "geppetto-rows-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const columns = ["started_at", "ended_at", "seen_at", "exit_code", "calls", "input_tokens", "dropped_output", "ok"];

  it.each(columns)("of %s hides no other run", async (column) => {
    const file = join(folder, `${column}.db`);
    {
      using log = RunLog.open(file, { logger: { warn() {}, error() {} } });
      for (const id of ["a", "b", "c"]) await log.begin({ script: `${id}.js`, id, startedAt: 1000 }).end({ ok: true });
    }
    for (const value of ["9223372036854775807", "-9223372036854775808"]) {
      using database = new DatabaseSync(file);
      database.exec(`UPDATE runs SET ${column} = ${value} WHERE id = 'b'`);
      using log = RunLog.openReadOnly(file);
      expect(
        log
          .list({ since: -Infinity })
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual(["a", "b", "c"]);
      expect(log.show("b")).toMatchObject({ id: "b", script: "b.js" });
      // It can be shown as a time.
      for (const { startedAt } of log.list()) expect(new Date(startedAt).toISOString()).toMatch(/^[+-]?\d{4,6}-/);
    }
  });
});
