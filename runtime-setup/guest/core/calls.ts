import { promiseThen, SafePromise, SafeTypeError, SafeWeakMap } from "../../../src/shared/primordials.ts";
import { unknownOption } from "../../../src/shared/wrong-option.ts";
import type { Op } from "../../../src/shared/contract/op.ts";
import { guestError } from "./errors.ts";
import { callAsync } from "./kernel.ts";
import { abortReason, isAborted, isAbortSignal, onAbort, type AbortSignal } from "../web/abort.ts";

/** What the runtime gives to functions of scripts: it may be handed on as options, whatever it tells besides its signal. */
const contexts = new SafeWeakMap<object, true>();

export function asContext<T extends object>(context: T): T {
  contexts.set(context, true);
  return context;
}

/**
 * Refuses what nothing would look at: a misspelt option, and what stands in the place of the options. A number may stand there:
 * `texts.map(countTokens)` gives its index. `what` is what was to be done ("start the step").
 */
export function checkOptions(what: string, options: unknown, known: readonly string[]): void {
  if (options === undefined || options === null || typeof options === "number") return;
  if (typeof options !== "object") throw notOptions(what, options);
  const wrong = unknownOption(options, known);
  if (wrong === undefined || contexts.has(options)) return;
  throw guestError("ValidationError", `Cannot ${what}: ${wrong}`);
}

export function notOptions(what: string, value: unknown): Error {
  return guestError("ValidationError", `Cannot ${what}: options must be an object, not ${typeof value}`);
}

/** `options.signal`, checked by brand. */
export function signalOf(options: unknown): AbortSignal | undefined {
  const signal = (options as { signal?: unknown } | null | undefined)?.signal;
  if (signal === undefined && isAbortSignal(options))
    throw new SafeTypeError("Cannot use the options: they are an AbortSignal, write { signal }");
  if (signal === undefined || isAbortSignal(signal)) return signal;
  throw new SafeTypeError("Cannot use options.signal: it must be an AbortSignal");
}

const SIGNAL: readonly string[] = ["signal"];

/** The signal of options that have nothing else. */
export function onlySignal(what: string, options: unknown): AbortSignal | undefined {
  if (options === undefined) return undefined;
  checkOptions(what, options, SIGNAL);
  return signalOf(options);
}

/** Marks a promise as handled: the script aborted it itself, so its rejection is not an uncaught error. */
export function markHandled(promise: Promise<unknown>): void {
  void promiseThen(promise, undefined, () => {});
}

/** A promise that is already rejected with the reason of a signal. */
export function rejectAborted(signal: AbortSignal): Promise<never> {
  const promise = new SafePromise<never>((_, reject) => reject(abortReason(signal)));
  markHandled(promise);
  return promise;
}

/**
 * What `map` makes of the promise's value. A rejection after the script has aborted the signal is its own doing, not an
 * uncaught error. The signal, which may live long, holds the promise no longer than it is pending.
 */
export function mapUnder<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  map: (value: T) => unknown,
): Promise<unknown> {
  if (signal === undefined) return promiseThen(promise, map);
  let forget = (): void => {};
  const mapped = promiseThen(
    promise,
    (value) => {
      forget();
      return map(value);
    },
    (error: unknown) => {
      forget();
      throw error;
    },
  );
  if (isAborted(signal)) markHandled(mapped);
  else forget = onAbort(signal, () => markHandled(mapped));
  return mapped;
}

/** An asynchronous op whose answer goes through `map`, and which a signal of the script's can abort. */
export function callWithSignal<Args, Answer, T>(
  op: Op<Args, Answer, "async">,
  args: NoInfer<Args>,
  signal: AbortSignal | undefined,
  map: (answer: Answer) => T,
): Promise<T> {
  if (signal === undefined) return callAsync(op, args, { map }).promise;
  if (isAborted(signal)) return rejectAborted(signal);
  let forget = (): void => {};
  const call = callAsync(op, args, { map, onSettled: () => forget() });
  forget = onAbort(signal, (reason) => {
    markHandled(call.promise);
    call.abort(reason);
  });
  return call.promise;
}
