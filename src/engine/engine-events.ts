import type { Bus } from "../events/bus.ts";
import type { StepEvent } from "../shared/step-events.ts";
import { refuseWrong } from "../shared/wrong-option.ts";

export interface EngineEventsOptions {
  /** Only those of this run of a step; default those of all. */
  stepId?: string;
  /** Ends the iteration. */
  signal?: AbortSignal;
}

/**
 * The events of an engine's bus from now on, as an iterable that acks each event when the next one is asked for. It ends
 * when the subscription is closed.
 */
export function iterateEvents(
  bus: Bus,
  options: EngineEventsOptions,
  onOpen: (close: () => void) => () => void,
): AsyncIterableIterator<StepEvent> {
  refuseWrong("follow the events", options, { stepId: true, signal: true });
  const { stepId, signal } = options;
  const subscription = bus.subscribe<StepEvent>(stepId === undefined ? "step.*" : `step.${stepId}`);
  const messages = subscription[Symbol.asyncIterator]();
  let ack = (): void => {};
  const forget = onOpen(() => subscription.close());
  const end = (): void => {
    signal?.removeEventListener("abort", end);
    forget();
    subscription.close();
  };
  if (signal?.aborted === true) end();
  signal?.addEventListener("abort", end, { once: true });
  return {
    async next() {
      ack();
      const message = await messages.next();
      if (message.done === true) {
        end();
        return { done: true, value: undefined };
      }
      ({ ack } = message.value);
      return { done: false, value: message.value.payload };
    },
    async return() {
      ack();
      end();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
