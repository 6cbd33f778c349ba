import { optional } from "../../base/calls/call-back.ts";
import { currentOutside } from "../../base/calls/outside.ts";
import { landedValues, timeSource, type TimeSource } from "../../base/time/time-source.ts";
import type { StepContext, StepSource } from "../../steps/step.ts";

/**
 * A step of the host app's, which may do something in the real world: where time is virtual, what comes of several of its
 * runs, and of others, is in the order in which they began, however long anything takes.
 */
export function orderlyStep(source: StepSource): StepSource {
  return {
    ...source,
    run(input, context) {
      const time = timeSource();
      const isOrdered = time.isVirtual && currentOutside() === undefined;
      return isOrdered ? runInPlace(source, input, context, time) : source.run(input, context);
    },
  };
}

function runInPlace(
  source: StepSource,
  input: unknown,
  context: StepContext,
  time: TimeSource,
): AsyncIterable<unknown> {
  const { signal } = context;
  const place = time.place();
  const publish: StepContext["publish"] = async (emission) => {
    await time.arrive(signal, place);
    await context.publish(emission);
  };
  const own: StepContext = {
    ...context,
    // The run's own, which the step may change.
    meta: context.meta,
    metadata: context.metadata,
    publish: (emission) => optional(publish(emission)),
    callGuest: async (name, args) => {
      await time.arrive(signal, place);
      return context.callGuest(name, args);
    },
  };
  return landedValues(source.run(input, own), signal, place);
}
