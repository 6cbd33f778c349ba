import { SafePromise, SafeTypeError, then } from "../../src/shared/primordials.ts";
import { callAsync, markHandled } from "./kernel.ts";
import { abortReason, isAborted, isAbortSignal, onAbort, type AbortSignal } from "./web/abort.ts";

/** `options.signal`, checked by brand. */
export function signalOf(options: unknown): AbortSignal | undefined {
  const signal = (options as { signal?: unknown } | null | undefined)?.signal;
  if (signal === undefined || isAbortSignal(signal)) return signal;
  throw new SafeTypeError("Cannot use options.signal: it must be an AbortSignal");
}

/** A promise that is already rejected with the reason of a signal; being the script's own doing, it is no uncaught error. */
export function rejectAborted(signal: AbortSignal): Promise<never> {
  const promise = SafePromise.reject(abortReason(signal));
  markHandled(promise);
  return promise;
}

/** A promise whose own signal the script aborts is the script's own doing: its rejection is no uncaught error. */
export function exemptOnAbort(promise: Promise<unknown>, signal: AbortSignal): void {
  if (isAborted(signal)) markHandled(promise);
  else onAbort(signal, () => markHandled(promise));
}

/** An asynchronous op whose answer goes through `map`, and which a signal of the script's can abort. */
export function callWithSignal<T>(
  op: string,
  args: unknown,
  signal: AbortSignal | undefined,
  map: (answer: unknown) => T,
): Promise<T> {
  if (signal !== undefined && isAborted(signal)) return rejectAborted(signal);
  const call = callAsync(op, args);
  const promise = then(call.promise, map) as Promise<T>;
  if (signal === undefined) return promise;
  const forget = onAbort(signal, (reason) => {
    markHandled(promise);
    call.abort(reason);
  });
  then(call.promise, forget, forget);
  return promise;
}
