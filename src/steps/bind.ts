import { timeSource } from "../base/time/time-source.ts";
import { valuesOf } from "./define-step.ts";
import { inheritMetadata } from "./run-metadata.ts";
import { StepRun } from "./step-run.ts";
import type { StartContext, Step, StepResult, StepSource } from "./step.ts";

/**
 * The list monad's bind: starts `step` with each value of `result`, one after the other, and gives all results in
 * order. The first error of either ends it; a cancel of what is returned, or of `ctx.signal`, cancels both; metadata of
 * all runs inside (engine, stop reason, the sum of usage) is its own too.
 *
 * @example
 * const doubled = double.start({}, 21);
 * await bind({}, doubled, shout).return();
 */
export function bind<T, U>(ctx: StartContext, result: StepResult<T>, step: Step<T, U>): StepResult<U> {
  const source: StepSource<unknown, U> = {
    info: { type: "bind", inputType: "any", outputType: "any", kind: "list" },
    async *run(_, { signal, metadata }) {
      let current: StepResult = result;
      const onAbort = (): void => {
        result.cancel();
        current.cancel();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        for await (const value of valuesOf(result)) {
          const inner = step.start({ signal }, value);
          current = inner;
          try {
            yield* valuesOf(inner);
          } finally {
            inheritMetadata(metadata, inner.getMetadata());
          }
        }
      } catch (error) {
        // Nobody takes the rest.
        result.cancel();
        throw error;
      } finally {
        signal.removeEventListener("abort", onAbort);
        inheritMetadata(metadata, result.getMetadata());
      }
    },
  };
  const { signal, runId = timeSource().uuid() } = ctx;
  const run = new StepRun<U>({ id: runId, source, now: () => timeSource().now(), ...(signal ? { signal } : {}) });
  void run.execute(() => undefined);
  return run;
}
