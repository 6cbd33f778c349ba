import { defineGlobal, nameMembers } from "../core/kernel.ts";
import { bind, compose, createLambdaStep, createMapStep, createParallelStep, createStep } from "./combinators.ts";
import { withCache } from "./with-cache.ts";
import { fromPipeline } from "../pipeline/pipeline.ts";
import { withEvents, withRetry, withState, withTimeout } from "./step-wrappers.ts";

/** `steps`: makes steps of functions and of other steps. */
export function installSteps(): void {
  defineGlobal(
    "steps",
    nameMembers({
      createLambdaStep,
      createMapStep,
      createStep,
      compose,
      bind,
      createParallelStep,
      withRetry,
      withTimeout,
      withState,
      withEvents,
      fromPipeline,
      withCache,
    }),
  );
}
