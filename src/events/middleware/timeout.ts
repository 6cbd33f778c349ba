import { abortable } from "../../base/abortable.ts";
import { afterMs } from "../../base/time/after-ms.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";
import type { Middleware } from "../handler.ts";

/**
 * Gives a handler so many milliseconds. After that its signal is aborted and the message has failed with a
 * TimeoutError; a handler that ignores its signal goes on, but nobody listens.
 *
 * @throws {GeppettoError} ConfigError for a time that is not positive.
 */
export function timeout(ms: number): Middleware {
  refuseWrong("limit the time of handlers", { ms }, { ms: "amount" });
  return (next) => async (message, context) => {
    const controller = new AbortController();
    const stop = afterMs(ms, () => {
      controller.abort(new GeppettoError("TimeoutError", `The handler "${context.handler}" took longer than ${ms} ms`));
    });
    const { signal } = controller;
    const onAbort = (): void => controller.abort(context.signal.reason);
    context.signal.addEventListener("abort", onAbort, { once: true });
    if (context.signal.aborted) onAbort();
    try {
      return await abortable(next(message, { ...context, signal }), signal);
    } finally {
      stop();
      context.signal.removeEventListener("abort", onAbort);
    }
  };
}
