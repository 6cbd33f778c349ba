import { SafeWeakMap } from "../../../src/shared/primordials.ts";

/** What makes an object an AbortSignal. A script can neither reach it nor make one. */
export interface SignalState {
  aborted: boolean;
  reason: unknown;
  /** Run, in this order, before the "abort" event fires. */
  algorithms: Set<() => void>;
  /** Signals that `AbortSignal.any` made of this one, and those of which it was made. */
  dependents: Set<object>;
  sources: Set<object>;
}

const states = new SafeWeakMap<object, SignalState>();

/** Makes the object a signal. */
export function setSignalState(signal: object, state: SignalState): void {
  states.set(signal, state);
}

/** The state of a signal; undefined for anything else. */
export function signalState(value: unknown): SignalState | undefined {
  return typeof value === "object" && value !== null ? states.get(value) : undefined;
}
