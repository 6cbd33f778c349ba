/** Steps that publish fast, slowly, never, too much, too late. */
import { defineStep, GeppettoError, type SetupFunction } from "../../src/index.ts";

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How far a producer has got, and how far its script. */
export class Progress {
  published = 0;
  seen = 0;
  mostAhead = 0;

  note(): void {
    this.mostAhead = Math.max(this.mostAhead, this.published - this.seen);
  }
}

/** The steps of these tests. Inputs are numbers of deltas, or nothing. */
export function setupSteps(progress = new Progress()): SetupFunction {
  const text = (name: string, run: Parameters<typeof defineStep<number>>[0]["run"]) =>
    defineStep<number>({ name, kind: "text", run });
  const steps = {
    count: text("count", async function* (n, { publish }) {
      progress.published++;
      for (let i = 0; i < n; i++) {
        await publish({ type: "partial", delta: `${i} ` });
        progress.published++;
        progress.note();
      }
      yield "counted";
    }),
    large: text("large", async function* (n, { publish }) {
      progress.published++;
      for (let i = 0; i < n; i++) {
        await publish({ type: "partial", delta: "x".repeat(10_000) });
        progress.published++;
        progress.note();
      }
      yield "large";
    }),
    drip: text("drip", async function* (n, { publish, signal }) {
      for (let i = 0; i < n && !signal.aborted; i++) {
        await publish({ type: "partial", delta: `${i} ` });
        await pause(2);
      }
      yield "dripped";
    }),
    deaf: text("deaf", async function* () {
      await new Promise(() => {});
      yield "never";
    }),
    stubborn: text("stubborn", async function* (n, { publish }) {
      for (let i = 0; i < n; i++) await publish({ type: "partial", delta: "x" }).catch(() => {});
      await pause(30);
      yield "stubborn";
    }),
    silent: text("silent", async function* () {}),
    thrower: text("thrower", async function* (n, { publish }) {
      for (let i = 0; i < n; i++) await publish({ type: "partial", delta: `${i} ` });
      if (n >= 0)
        throw new GeppettoError("ProviderError", "rate limit reached", { code: "ERR_RATE_LIMIT", status: 429 });
      yield "never";
    }),
    broken: defineStep({
      name: "broken",
      run: () => {
        throw new TypeError("no iterator");
      },
    }),
    rush: text("rush", async function* (n, { publish }) {
      for (let i = 0; i < n; i++) void publish({ type: "partial", delta: `${i} ` });
      yield "rushed";
    }),
    huge: defineStep({
      name: "huge",
      async *run() {
        yield "x".repeat(17 * 1024 * 1024);
      },
    }),
    list: defineStep<number, number>({
      name: "list",
      kind: "list",
      async *run(n) {
        for (let i = 0; i < n; i++) yield i;
      },
    }),
  };
  return async function testSteps(vm) {
    for (const [name, step] of Object.entries(steps)) await vm.registerStep(name, step);
    await vm.op("seen", () => void progress.seen++, { mode: "sync" });
    await vm.op("slowly", () => pause(1), { mode: "blocking" });
  };
}
