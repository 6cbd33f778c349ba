/** Runs of which only the end is wanted, and pieces of text at most. */
import { DELIVERY } from "../../../src/shared/contract/runs.ts";
import { isTerminal } from "../../../src/shared/step-events.ts";
import { SafeError, SafePromise } from "../../../src/shared/primordials.ts";
import { isAborted, onAbort, type AbortSignal } from "../web/abort.ts";
import { markHandled } from "../core/calls.ts";
import { startAtOnce } from "./await-body.ts";
import { cancelledError, withMetadata } from "./run-events.ts";
import type { GuestEvent, Run } from "./run.ts";
import type { StepBinding } from "./step-body.ts";

export interface CollectOptions {
  signal?: AbortSignal | undefined;
  /** Hears of each partial event; without it none crosses. */
  onPartial?: (event: GuestEvent) => void;
  /** Where the script asked for it, if that is not where this is called. */
  site?: Error;
}

/** Runs a step to its end: the array of results with its metadata, or the error, or the signal's reason, which is never an uncaught error. */
export function collect(
  owner: object,
  binding: StepBinding,
  input: unknown,
  // The place is not looked up within the promise's function: each frame that V8 has to walk takes its time.
  { signal, onPartial, site = new SafeError() }: CollectOptions = {},
): Promise<unknown[]> {
  const promise = new SafePromise<unknown[]>((resolve, reject) => {
    let forget = (): void => {};
    const onEvent: Run["onEvent"] = (event, failure) => {
      if (!isTerminal(event.type)) {
        if (event.type === "partial") onPartial?.(event);
        return;
      }
      forget();
      if (event.type === "final") resolve(withMetadata(event));
      else reject(event.type === "error" ? failure : cancelledError());
    };
    startAtOnce(owner, binding, input, onEvent, {
      delivery: onPartial === undefined ? DELIVERY.last : DELIVERY.every,
      signal,
      site,
    });
    if (signal === undefined) return;
    forget = onAbort(signal, (reason) => {
      markHandled(promise);
      reject(reason);
    });
  });
  // A step may have aborted its own signal while it started.
  if (signal !== undefined && isAborted(signal)) markHandled(promise);
  return promise;
}
