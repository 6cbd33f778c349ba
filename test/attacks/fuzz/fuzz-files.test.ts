import { hash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readable } from "../../../src/cli/commands/runs-command.ts";
import { describeEnd, describeStart, describeState, describeWork } from "../../../src/cli/runs/describe-run.ts";
import { factLines } from "../../../src/cli/runs/fact-lines.ts";
import { toJson } from "../../../src/cli/output/to-json.ts";
import { KeyStore } from "../../../src/config/key-store.ts";
import { TrustStore } from "../../../src/config/trust/trust-store.ts";
import { decodeKept } from "../../../src/modules/bundle-format.ts";
import { readCassette } from "../../../src/recordings/cassette/cassette-file.ts";
import { RunLog } from "../../../src/recordings/run-log/run-log.ts";
import { GeppettoError } from "../../../src/shared/errors.ts";
import { fuzzBudget, FUZZ_TIMEOUT_MS } from "./fuzz-budget.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fuzz-"));
});
afterAll(() => rm(folder, { recursive: true }));

// oxlint-disable-next-line no-control-regex -- what a terminal would obey is what it is about
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u0080-\u009f\u202a-\u202e]/;
const QUIET = { debug() {}, info() {}, warn() {}, error() {} };
const KEYS =
  `end error message name code exitCode text stack cause ok value step stepId type metadata durationMs meta engine delta
  completion $completion results result command args input omittedInput profile settings chat model provider replayOf
  untrusted request recordedAt id chunks vectors texts dimensions toolCall format recordings replaces $type value entry
  version granted uses facts code mappings sources names refusals __proto__ constructor toString length then toJSON`.split(
    /\s+/,
  );
const leaf = fc.oneof(
  fc.constantFrom("final", "partial", "error", "start", "complete", "list", "Map", "Date", "bigint", "object", "x"),
  fc.constantFrom(
    0,
    1,
    -1,
    2 ** 53,
    1e300,
    null,
    true,
    "geppetto-cassette/2",
    "\u009b",
    "\u202e",
    "a\nb",
    "Float32Array",
  ),
  fc.string({ unit: "binary", maxLength: 4 }),
);
const { value: tree } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "medium", maxDepth: 5 },
    leaf,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie("value"), { maxKeys: 6 }),
  ),
}));
/** What may stand where JSON should. */
const json = fc.oneof(
  { weight: 6, arbitrary: tree.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("[".repeat(20_000), `${'{"a":'.repeat(9000)}1${"}".repeat(9000)}`, "", "\0"),
  },
);

/** Expects a value, or an error of this project's own. */
async function expectOwnError(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    expect(error, String((error as Error).stack)).toBeInstanceOf(GeppettoError);
  }
}

describe("a log of runs", () => {
  const column = fc.option(json, { nil: null });
  const row = fc.record({
    id: fc.string({ unit: "binary", maxLength: 8 }),
    script: fc.string({ unit: "binary", maxLength: 8 }),
    source: fc.option(fc.string(), { nil: null }),
    details: json,
    startedAt: fc.constantFrom(0, 1, -1, 2 ** 53 - 1, 1e12),
    endedAt: fc.constantFrom(null, 0, -(2 ** 53) + 1, 2e12),
    outcome: column,
    recordings: column,
    events: fc.array(fc.tuple(fc.constantFrom("s1", "s2", ""), json), { maxLength: 5 }),
  });

  it("is listed, shown and exported, whatever its rows hold", { timeout: FUZZ_TIMEOUT_MS }, async () => {
    const file = join(folder, "runs.sqlite");
    RunLog.open(file, { logger: QUIET }).close();
    const database = new DatabaseSync(file);
    const insert = database.prepare(
      "INSERT INTO runs (id, script, source, details, started_at, ended_at, outcome, recordings) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    const insertEvent = database.prepare("INSERT INTO events (run_id, place, step_id, event) VALUES (?, ?, ?, ?)");
    try {
      await fc.assert(
        fc.asyncProperty(
          row,
          async ({ id, script, source, details, startedAt, endedAt, outcome, recordings, events }) => {
            database.exec("DELETE FROM runs; DELETE FROM events");
            insert.run(id, script, source, details, startedAt, endedAt, outcome, recordings);
            for (const [place, [step, text]] of events.entries()) insertEvent.run(id, place, step, text);
            insert.run("whole", "whole.js", null, "{}", 5, 6, '{"ok":true,"end":"completed"}', null);
            using log = RunLog.openReadOnly(file);
            const runs = log.list();
            expect(runs.map((run) => run.script)).toContain("whole.js");
            for (const run of runs) {
              expect(typeof describeState(run)).toBe("string");
              expect(toJson(run)).not.toMatch(/[\u0080-\u009f\u202a-\u202e]/);
              const record = log.show(run.id);
              if (record === undefined) continue;
              const shown = readable(record);
              const facts = [describeStart, describeEnd, describeWork].flatMap((describeFacts) =>
                describeFacts(shown, true),
              );
              expect(factLines(facts).join("\n")).not.toMatch(OBEYED);
              expect(toJson(record)).toBeTypeOf("string");
              expect(log.export(run.id)).toBeTypeOf("string");
            }
            await Promise.resolve();
          },
        ),
        fuzzBudget(300),
      );
    } finally {
      database.close();
    }
  });
});

describe("a file of keys", () => {
  it(
    "gives keys that are texts, or an error that holds none of it, whatever is in it",
    { timeout: FUZZ_TIMEOUT_MS },
    () =>
      fc.assert(
        fc.asyncProperty(json, fc.constantFrom("mine", "__proto__", "constructor", "0"), async (text, name) => {
          const file = join(folder, "keys.json");
          await writeFile(file, text, { mode: 0o600 });
          const store = new KeyStore(file);
          await expectOwnError(async () => {
            for (const known of await store.list()) expect(typeof (await store.get(known))).toBe("string");
            expect(["string", "undefined"]).toContain(typeof (await store.get(name)));
          });
          await expectOwnError(async () => {
            const before = await store.list();
            await store.set("fresh", "sk-1");
            expect(await store.get("fresh")).toBe("sk-1");
            expect(await store.list()).toEqual([...new Set([...before, "fresh"])].sort());
          });
        }),
        fuzzBudget(150),
      ),
  );
});

describe("a file of trusted folders", () => {
  it("trusts no folder by accident, whatever is in it", { timeout: FUZZ_TIMEOUT_MS }, () =>
    fc.assert(
      fc.asyncProperty(json, async (text) => {
        const file = join(folder, "trusted.json");
        await writeFile(file, text, { mode: 0o600 });
        const store = new TrustStore(file);
        await expectOwnError(() => expect(store.stateOf(folder, "model: x")).not.toBe("trusted"));
        await expectOwnError(() => store.list());
      }),
      fuzzBudget(300),
    ),
  );
});

describe("a cassette", () => {
  const recording = fc
    .record({ id: json, end: json, chunks: json, request: json }, { requiredKeys: [] })
    .map((value) => JSON.stringify(value));
  const text = fc
    .tuple(
      fc.constantFrom('{"format":"geppetto-cassette/2"}\n', '{"format":"geppetto-cassette/1","recordings":', ""),
      fc.array(fc.oneof(json, recording), { maxLength: 6 }),
      fc.constantFrom("\n", "", ",", "\r\n"),
    )
    .map(([head, lines, between]) => head + lines.join(between));

  it("gives recordings, or an error of its own, whatever is in it", { timeout: FUZZ_TIMEOUT_MS }, () =>
    fc.assert(
      fc.asyncProperty(text, async (content) => {
        const file = join(folder, "cassette.json");
        await writeFile(file, content);
        await expectOwnError(() => {
          for (const found of readCassette(file, QUIET)) expect(typeof found.request.model).toBe("string");
        });
      }),
      fuzzBudget(300),
    ),
  );
});

describe("a bundle that was kept", () => {
  const bytes = fc
    .tuple(json, fc.uint8Array({ maxLength: 20 }), fc.option(fc.nat(40), { nil: undefined }))
    .map(([head, rest, length]) => {
      const all = Buffer.concat([Buffer.from(head), rest]);
      const size = String(length ?? Buffer.byteLength(head)).padStart(9, "0");
      return Buffer.concat([Buffer.from(`geppetto-bundle ${hash("sha256", all, "hex")} ${size}\n`), all]);
    });

  it("is one, or none, whatever its bytes are", { timeout: FUZZ_TIMEOUT_MS }, () =>
    fc.assert(
      fc.property(fc.oneof(bytes, fc.uint8Array({ maxLength: 200 }).map(Buffer.from)), (given) => {
        const found = decodeKept(Buffer.from(given));
        if (found === undefined) return;
        expect(typeof found.code).toBe("string");
        for (const name of Object.keys(found.sources)) expect(typeof found.sources[name]).toBe("string");
      }),
      fuzzBudget(1000),
    ),
  );
});
