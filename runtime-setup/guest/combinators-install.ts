import { defineGlobal } from "./kernel.ts";
import { bind, compose, createLambdaStep, createMapStep, createParallelStep, createStep } from "./combinators.ts";
import { withCache } from "./combinators-cache.ts";
import { fromPipeline } from "./pipeline.ts";
import { withEvents, withRetry, withState, withTimeout } from "./combinators-with.ts";

/** `steps`: makes steps of functions and of other steps. */
export function installSteps(): void {
  defineGlobal("steps", {
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
  });
}
