import type { CallEffect } from "../base/calls/outside.ts";
import type { Converter } from "../steps/converter.ts";
import type { Step, StepSource } from "../steps/step.ts";

export interface StepBindingOptions<I, O> {
  /** Validates what a script passes: a zod schema or a function. */
  input?: Converter<I>;
  /** Converts each result on its way to the script. */
  output?: Converter<unknown, O>;
  /**
   * What becomes of a run in an execution that lasts which was under way when its process ended. "none", "keyed": it begins
   * anew, the latter with the same `idempotencyKey` in {@link currentCall}. "once" (default): not by itself; the execution is
   * suspended until somebody says what has become of it.
   */
  effect?: CallEffect;
}

/** A step on its way into a guest: `vm.set(name, object)` gives it to scripts under a global name. */
export class StepObject<I = unknown, O = unknown> {
  readonly step: Step<I, O> | StepSource<I, O>;
  readonly options: StepBindingOptions<I, O>;

  constructor(step: Step<I, O> | StepSource<I, O>, options: StepBindingOptions<I, O>) {
    this.step = step;
    this.options = options;
  }
}
