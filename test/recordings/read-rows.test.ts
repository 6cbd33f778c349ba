import { expect, it } from "vitest";
import { readDetails, readOutcome, readRecordings } from "../../src/recordings/run-log/read-rows.ts";

it.each([500, 9000, 1_000_000])(
  "a row of the log that is nested %i deep is damaged, and no more than that",
  (depth) => {
    const deep = `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
    expect(readOutcome({ outcome: `{"end":"completed","value":${deep}}` })).toEqual({ isDamaged: true });
    expect(readDetails({ details: `{"args":${deep}}` })).toBeUndefined();
    expect(readRecordings(`[${deep}]`)).toEqual({ recordings: [], damaged: 1 });
  },
);
