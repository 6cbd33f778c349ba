import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { RuntimeEngine, setupDefaults } from "../../../src/index.ts";
import { ProcessRealm } from "../../../src/sandbox/process-realm.ts";
import type { Realm, HostBridge, RealmFailure } from "../../../src/sandbox/realm.ts";
import { encodeValue } from "../../../src/shared/codec.ts";
import { FRAMES } from "../../../src/shared/contract/frame-kinds.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { DELIVERY, GUEST_STEP } from "../../../src/shared/contract/runs.ts";
import { decodeValue } from "../../../src/shared/decode.ts";
import type { Outcome, Frame } from "../../../src/shared/frames.ts";
import { fuzzBudget, FUZZ_TIMEOUT_MS } from "./fuzz-budget.ts";
import { HostMonitor } from "../host-monitor.ts";

/** A guest whose every word is the test's: what a script would be that has broken out of its isolate. */
class FakeGuest implements Realm {
  ended = (): Promise<void> => Promise.resolve();
  bridge!: HostBridge;
  readonly tainted = false;
  disposed = false;
  onGone: (failure: RealmFailure) => void = () => {};
  /** Ends the script's first turn. */
  endTurn: () => void = () => {};

  async invoke({ text, buffers = [] }: Frame): Promise<undefined> {
    const [, kind, id] = decodeValue(text, buffers) as unknown[];
    if (kind === FRAMES.entry_check.name) this.bridge.call(encodeValue([1, OPS.check_settle.name, { id }]));
    return Promise.resolve(undefined);
  }

  run(): Promise<undefined> {
    return new Promise((resolve) => {
      this.endTurn = () => resolve(undefined);
    });
  }

  dispose(): void {
    this.disposed = true;
  }

  stats(): { cpuMs: number } {
    return { cpuMs: 0 };
  }
}

const NAMES = [...Object.keys(OPS), "__proto__", "constructor", "toString", "app.x"];
const KEYS =
  `id callId ms kind count url base href key value step delivery info interception loss args input parent inherits forwards failed timeoutMs stream
  text texts token error code name message cause stack deliveredChars messages role content model tools temperature path
  uncopied type $ v b plan stages edges elements host metadata priority metrics __proto__ constructor toString length then toJSON`.split(
    /\s+/,
  );
const IDS = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`);

const word = fc.oneof(
  fc.constantFrom(
    ...IDS,
    "timeout",
    "interval",
    "immediate",
    "weak",
    ...Object.values(DELIVERY),
    GUEST_STEP,
    "doubleStep",
    "pipeline",
  ),
  fc.constantFrom(
    "chat",
    "embeddings",
    "user",
    "echo: a b",
    "error: 429",
    "slow: 5ms",
    "stdout",
    "hash",
    "date",
    "map",
    "typed",
  ),
  fc.string({ maxLength: 20 }),
  fc.webUrl(),
);
const number = fc.oneof(fc.nat(5), fc.constantFrom(0, -1, 1e9, 2 ** 31, 2 ** 53, -0.5), fc.double());
const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withNullPrototype: true,
  withSparseArray: true,
  withObjectString: true,
  maxDepth: 3,
});
const fields = fc.dictionary(
  fc.constantFrom(...KEYS),
  fc.oneof(word, number, fc.boolean(), fc.constant(null), anything),
  {
    maxKeys: 8,
  },
);
const nested = fc.dictionary(
  fc.constantFrom(...KEYS),
  fc.oneof(fields, word, number, fc.array(fields, { maxLength: 3 })),
  {
    maxKeys: 8,
  },
);

/** A frame as the guest's kernel makes it, of whatever arguments. */
const frame = fc
  .tuple(
    fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...NAMES) }, fc.string()),
    fc.oneof({ weight: 6, arbitrary: nested }, { weight: 3, arbitrary: fields }, anything),
    fc.option(fc.oneof(fc.nat(20), number, anything), { nil: undefined, freq: 2 }),
  )
  .map(([op, args, callId]) => {
    try {
      const tail = callId === undefined ? "" : `,${encodeValue(callId, { exotic: "omit" })}`;
      return `[1,${JSON.stringify(op)},${encodeValue(args, { exotic: "omit" })}${tail}]`;
    } catch {
      return `[1,${JSON.stringify(op)},{}]`;
    }
  });

/** The same with characters changed, and texts that are no frames. */
const raw = fc.oneof(
  fc
    .tuple(frame, fc.nat(), fc.constantFrom('"', "[", "]", "{", "}", ":", "1", "$", ",", "\\", ""))
    .map(([text, at, to]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + to + text.slice(place + 1);
    }),
  fc.json(),
  fc.string({ unit: "binary" }),
);

const move = fc.record({
  door: fc.constantFrom("call", "call", "note", "callBlocking"),
  text: fc.oneof({ weight: 4, arbitrary: frame }, raw),
});

let monitor: HostMonitor;

beforeAll(async () => {
  monitor = await HostMonitor.start();
});

afterAll(async () => {
  const { failures, slowestAnswerMs, longestStallMs } = await monitor.stop();
  console.log(
    `fuzzing: slowest answer ${slowestAnswerMs.toFixed(0)} ms, longest stall of the host's own ${longestStallMs.toFixed(0)} ms`,
  );
  expect(failures).toEqual([]);
});

describe("a host whose guest is arbitrary", () => {
  it("answers every frame, never throws, and ends when it is closed", { timeout: FUZZ_TIMEOUT_MS }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 30 }), async (moves) => {
        const guest = new FakeGuest();
        const create = vi.spyOn(ProcessRealm, "create").mockImplementation((bridge) => {
          guest.bridge = bridge;
          return Promise.resolve(guest as Partial<ProcessRealm> as ProcessRealm);
        });
        const engine = new RuntimeEngine({
          console: { stdout() {}, stderr() {} },
          logger: { warn() {}, error() {} },
          limits: { wallMs: 5000, outputBytes: 1000 },
          setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
        });
        await engine.start();
        create.mockRestore();
        const running = engine.runScript({ code: "1" });
        await new Promise((resolve) => setImmediate(resolve));
        const waiting: Promise<Frame>[] = [];
        for (const { door, text } of moves) {
          if (door === "note") guest.bridge.note(text);
          else if (door === "call") expectOutcome(guest.bridge.call(text));
          else waiting.push(Promise.resolve(guest.bridge.callBlocking(text)));
          if (moves.length % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        guest.endTurn();
        await new Promise((resolve) => setImmediate(resolve));
        await engine.close();
        for (const { text } of await Promise.all(waiting)) expectOutcome(text);
        const outcome = await running;
        expect(typeof outcome.ok).toBe("boolean");
        const { timers, runs, ops, topics } = engine.stats();
        expect({ timers, runs, ops, topics }).toEqual({ timers: 0, runs: 0, ops: 0, topics: 0 });
      }),
      fuzzBudget(400),
    ),
  );
});

function expectOutcome(text: string): void {
  const outcome = JSON.parse(text) as Outcome;
  expect(outcome.ok || typeof outcome.error.message === "string").toBe(true);
  expect(text).not.toMatch(/node_modules|node:internal|\/src\//);
}
