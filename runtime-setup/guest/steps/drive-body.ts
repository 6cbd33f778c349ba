/** Drives the body of a step: written once, for bodies that wait with promises and for those that wait within a turn. */
import { GeneratorNext, GeneratorReturn, GeneratorThrow } from "../../../src/shared/primordials.ts";
import { abortReason, isAborted } from "../web/abort.ts";
import type { AllEffect, BodyRun, CallEffect, Effect, EffectBody, ResultEffect, RunEffect } from "./step-body.ts";

/** How the effects of a body are brought about. Each gives what came of it, or a promise of that, as the driver takes it. */
export interface Effects {
  call(effect: CallEffect, run: BodyRun): unknown;
  run(effect: RunEffect, run: BodyRun): unknown;
  all(effect: AllEffect, run: BodyRun): unknown;
  sleep(ms: number, run: BodyRun): unknown;
  result(effect: ResultEffect, run: BodyRun): unknown;
  /** Looks at what an effect failed with. True: the body is not asked what to do about it. */
  failed(error: unknown, run: BodyRun): boolean;
}

/**
 * Drives a body to its end; yields what each effect gives, and wants back what became of it. When the body's run is
 * cancelled the body is left where it is, with its `finally` blocks run, and the reason is thrown.
 */
export function* driveBody(body: EffectBody, run: BodyRun, effects: Effects): Generator<unknown, unknown, unknown> {
  let step: () => IteratorResult<Effect, unknown> = () => GeneratorNext(body, undefined);
  for (;;) {
    if (isAborted(run.signal)) {
      GeneratorReturn(body, undefined);
      throw abortReason(run.signal);
    }
    const { done, value: effect } = step();
    if (done === true) return effect;
    try {
      const result: unknown = yield perform(effect, run, effects);
      step = () => GeneratorNext(body, result);
    } catch (error) {
      if (effects.failed(error, run)) {
        GeneratorReturn(body, undefined);
        throw error;
      }
      step = () => GeneratorThrow(body, error);
    }
  }
}

function perform(effect: Effect, run: BodyRun, effects: Effects): unknown {
  switch (effect.do) {
    case "call":
      return effects.call(effect, run);
    case "run":
      return effects.run(effect, run);
    case "all":
      return effects.all(effect, run);
    case "sleep":
      return effects.sleep(effect.ms, run);
    case "result":
      return effects.result(effect, run);
  }
}
