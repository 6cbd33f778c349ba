import { SafeSet, SetForEach } from "../../../src/shared/primordials.ts";

/** What makes an object an AbortSignal. A script can neither reach it nor make one. */
export interface SignalState {
  aborted: boolean;
  reason: unknown;
  /** The how manieth abort it was that aborted it. */
  order: number;
  /** Run, in this order, before the "abort" event fires. Sets are made when something is put into them: most never get any. */
  algorithms: Set<() => void> | undefined;
  /** Has it listeners to "abort"? */
  isHeard: boolean;
  /** Of a signal of `AbortSignal.any` those that it depends on, none of which depends on others. */
  sources: Set<object> | undefined;
  /**
   * Those that depend on this one and have somebody to tell: a signal that lives long is not to hold all that were ever made
   * of it. The others look at their sources when they are asked.
   */
  dependents: Set<object> | undefined;
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

/** The state of a signal as it is now; undefined for anything else. */
export function signalState(value: unknown): SignalState | undefined {
  const state = typeof value === "object" && value !== null ? Marked.stateOf(value) : undefined;
  if (state?.sources !== undefined) lookAtSources(value as object, state.sources);
  return state;
}

/** The state of a signal that was told of its sources' abort, or has not looked at them yet. */
export function toldState(signal: object): SignalState {
  return Marked.stateOf(signal)!;
}

function lookAtSources(signal: object, sources: Set<object>): void {
  let first: SignalState | undefined;
  SetForEach(sources, (source: object) => {
    const own = toldState(source);
    if (own.aborted && (first === undefined || own.order < first.order)) first = own;
  });
  if (first !== undefined) setAborted(signal, first.reason, first.order);
}

/** How many aborts there were. */
let aborts = 0;

/** Marks signals that one abort aborts, all of them before anybody hears of it. */
export function markAborted(signals: readonly object[], reason: unknown): void {
  const order = ++aborts;
  for (let i = 0; i < signals.length; i++) setAborted(signals[i]!, reason, order);
}

function setAborted(signal: object, reason: unknown, order: number): void {
  const state = toldState(signal);
  state.aborted = true;
  state.reason = reason;
  state.order = order;
  const { sources } = state;
  state.sources = undefined;
  if (sources !== undefined) leave(signal, sources);
}

/** Has something done when the signal is aborted. Returns a function that takes it off again. */
export function addAlgorithm(signal: object, algorithm: () => void): () => void {
  const state = toldState(signal);
  (state.algorithms ??= new SafeSet()).add(algorithm);
  follow(signal);
  return () => {
    state.algorithms?.delete(algorithm);
    unfollow(signal);
  };
}

/** Says whether the target, if it is a signal, has listeners to "abort". */
export function setHeard(target: object, isHeard: boolean): void {
  const state = signalState(target);
  if (state === undefined || state.isHeard === isHeard) return;
  state.isHeard = isHeard;
  if (isHeard) follow(target);
  else unfollow(target);
}

/** Has its sources tell it. */
function follow(signal: object): void {
  const { sources } = toldState(signal);
  if (sources === undefined) return;
  SetForEach(sources, (source: object) => (toldState(source).dependents ??= new SafeSet()).add(signal));
}

/** Where it has nobody to tell any more, its sources let go of it. */
function unfollow(signal: object): void {
  const { sources, algorithms, isHeard } = toldState(signal);
  if (sources === undefined || isHeard || (algorithms !== undefined && algorithms.size > 0)) return;
  leave(signal, sources);
}

function leave(signal: object, sources: Set<object>): void {
  SetForEach(sources, (source: object) => toldState(source).dependents?.delete(signal));
}
