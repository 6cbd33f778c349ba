import { SafeSet } from "../../../src/shared/primordials.ts";

/** What makes an object an AbortSignal. A script can neither reach it nor make one. */
export interface SignalState {
  aborted: boolean;
  reason: unknown;
  /** Run, in this order, before the "abort" event fires. Sets are made when something is put into them: most never get any. */
  algorithms: Set<() => void> | undefined;
  /** Signals that `AbortSignal.any` made of this one, and those of which it was made. */
  dependents: Set<object> | undefined;
  sources: Set<object> | undefined;
}

/** A constructor that returns what it is given: what derives from it puts its private fields there. */
const Given = function (this: object, object: object): object {
  return object;
} as unknown as new (object: object) => object;

/** Holds the state in the signal itself: an entry of a weak map costs the collector much more. */
class Marked extends Given {
  readonly #state: SignalState;

  constructor(signal: object, state: SignalState) {
    super(signal);
    this.#state = state;
  }

  static stateOf(value: object): SignalState | undefined {
    return #state in value ? value.#state : undefined;
  }
}

/** Makes the object a signal. */
export function setSignalState(signal: object, state: SignalState): void {
  // oxlint-disable-next-line eslint/no-new -- what it makes is the mark on the signal
  new Marked(signal, state);
}

/** The state of a signal; undefined for anything else. */
export function signalState(value: unknown): SignalState | undefined {
  return typeof value === "object" && value !== null ? Marked.stateOf(value) : undefined;
}

/** Has something done when the signal with this state is aborted. */
export function addAlgorithm(state: SignalState, algorithm: () => void): void {
  (state.algorithms ??= new SafeSet()).add(algorithm);
}
