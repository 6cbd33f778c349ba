/**
 * Errors that a run tells by an event. Nobody has to look at an event: until the script does, the host keeps the error,
 * and a script that ends before is a failed one.
 */
import { OPS } from "../../../src/shared/contract/ops.ts";
import { defineField, defineHidden, ObjectDefineProperty, SafeWeakMap } from "../../../src/shared/primordials.ts";
import { describe } from "../core/errors.ts";
import { callNote } from "../core/kernel.ts";
import { showAsValue } from "../inspect/properties.ts";
import type { GuestEvent, Run } from "./run.ts";

/** Errors that a handler of the script's own has got as an argument. */
const handled = new SafeWeakMap<object, true>();

/** A handler of the script's gets this error as an argument: runs that end with it are looked at. */
export function noteHandled(error: unknown): void {
  if (typeof error === "object" && error !== null) handled.set(error, true);
}

function isHandled(error: unknown): boolean {
  return typeof error === "object" && error !== null && handled.has(error);
}

/** Tells the host that the error has been looked at; only the first time counts. */
export type Look = () => void;

/** The run has failed, and so far nobody has looked at its error. A run that the script has cancelled may fail unseen. */
function keepError({ id, isGivenUp }: Run, error: unknown): Look {
  if (isGivenUp || isHandled(error)) return () => {};
  callNote(OPS.error_keep, { id, error: describe(error) });
  let isKept = true;
  return () => {
    if (isKept) callNote(OPS.error_look, { id });
    isKept = false;
  };
}

/** A property that notes when it is read, and from then on is a property like any other. */
function defineWatched(event: GuestEvent, key: string, value: unknown, enumerable: boolean, look: Look): void {
  const define = enumerable ? defineField : defineHidden;
  const settle = (settled: unknown): void => {
    try {
      define(event, key, settled);
    } catch {
      // Frozen: it stays as it is.
    }
  };
  const get = (): unknown => {
    look();
    settle(value);
    return value;
  };
  showAsValue(get);
  ObjectDefineProperty(event, key, {
    __proto__: null,
    get,
    set: settle,
    enumerable,
    configurable: true,
  } as PropertyDescriptor);
}

/**
 * Makes an error event tell when the script reads its `error`, by whatever means, or its `cause`: the error itself, to be
 * thrown, which is not enumerable. The result is for what hands the error out in another way.
 */
export function watchErrorEvent(run: Run, event: GuestEvent, error: unknown): Look {
  const look = keepError(run, error);
  defineWatched(event, "error", event["error"], true, look);
  defineWatched(event, "cause", error, false, look);
  return look;
}
