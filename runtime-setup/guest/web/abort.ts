/** AbortController and AbortSignal, and what the rest of the guest uses of them: functions that no script can replace. */
import {
  append,
  isArray,
  ReflectApply,
  SafeNumber,
  SafeSet,
  SafeSymbol,
  SafeTypeError,
  SetForEach,
} from "../../../src/shared/primordials.ts";
import { MAX_TIMER_MS } from "../../../src/shared/limits.ts";
import { customInspect } from "../core/inspect.ts";
import { guard } from "../core/kernel.ts";
import { startTimer } from "../core/timers.ts";
import { addAlgorithm, markAborted, setSignalState, type SignalState, signalState } from "./abort-state.ts";
import { asRunError, DOMException } from "./dom-exception.ts";
import { EventTarget, fireEvent } from "./event-target.ts";
import { type InspectFunction, showFields } from "./show-fields.ts";

const CREATE = SafeSymbol("create");

type AbortHandler = (event: unknown) => unknown;

function stateOf(signal: unknown): SignalState {
  const state = signalState(signal);
  if (state === undefined) throw new SafeTypeError("Cannot use the signal: it is not an AbortSignal");
  return state;
}

/** Tells whoever holds it that work is to stop. Only controllers and the static functions make one. */
export class AbortSignal extends EventTarget {
  #handler: AbortHandler | null = null;
  #isListening = false;

  constructor(mark?: unknown) {
    if (mark !== CREATE) throw new SafeTypeError("Illegal constructor");
    super();
    setSignalState(this, {
      aborted: false,
      reason: undefined,
      order: 0,
      algorithms: undefined,
      isHeard: false,
      sources: undefined,
      dependents: undefined,
    });
  }

  get aborted(): boolean {
    return stateOf(this).aborted;
  }
  get reason(): unknown {
    return stateOf(this).reason;
  }
  throwIfAborted(): void {
    const { aborted, reason } = stateOf(this);
    if (aborted) throw reason;
  }

  get onabort(): AbortHandler | null {
    return this.#handler;
  }
  set onabort(value: unknown) {
    this.#handler = typeof value === "function" ? (value as AbortHandler) : null;
    if (this.#handler === null || this.#isListening) return;
    this.#isListening = true;
    ReflectApply(addEventListener, this, [
      "abort",
      (event: unknown) => {
        if (this.#handler !== null) ReflectApply(this.#handler, this, [event]);
      },
    ]);
  }

  /** A signal that is aborted already. */
  static abort(reason?: unknown): AbortSignal {
    const signal = createSignal();
    markAborted([signal], reason === undefined ? abortError() : reason);
    return signal;
  }

  /** A signal that aborts with a TimeoutError after `ms`. It keeps no settled script alive. */
  static timeout(ms: number): AbortSignal {
    const delay = SafeNumber(ms);
    if (!(delay >= 0 && delay <= SafeNumber.MAX_SAFE_INTEGER)) {
      throw new SafeTypeError("Cannot create a timeout: the delay must be a number of milliseconds, 0 or more");
    }
    const signal = createSignal();
    startTimeout(signal, delay);
    return signal;
  }

  /** A signal that aborts as soon as one of the given does. */
  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const given = toList(signals);
    for (let i = 0; i < given.length; i++) stateOf(given[i]);
    const signal = createSignal();
    for (let i = 0; i < given.length; i++) {
      const source = stateOf(given[i]);
      if (!source.aborted) continue;
      markAborted([signal], source.reason);
      return signal;
    }
    const sources = new SafeSet<object>();
    for (let i = 0; i < given.length; i++) {
      const further = stateOf(given[i]).sources;
      if (further === undefined) sources.add(given[i]!);
      else SetForEach(further, (source: object) => sources.add(source));
    }
    stateOf(signal).sources = sources;
    return signal;
  }

  [customInspect](depth: number, options: object, inspect: InspectFunction): string {
    return showFields(this, { aborted: stateOf(this).aborted }, depth, options, inspect);
  }
}

const { addEventListener } = EventTarget.prototype;

function createSignal(): AbortSignal {
  return new AbortSignal(CREATE);
}

function abortError(): DOMException {
  return new DOMException("This operation was aborted", "AbortError");
}

function toList(signals: Iterable<AbortSignal>): AbortSignal[] {
  if (isArray(signals)) return signals as AbortSignal[];
  if (typeof signals !== "object" || signals === null) {
    throw new SafeTypeError("Cannot combine signals: they must be given as an array or another iterable");
  }
  const list: AbortSignal[] = [];
  for (const signal of signals) append(list, signal);
  return list;
}

function startTimeout(signal: AbortSignal, left: number): void {
  const now = left > MAX_TIMER_MS ? MAX_TIMER_MS : left;
  const next = (): void => {
    if (left > now) startTimeout(signal, left - now);
    else abortSignal(signal, new DOMException("The operation was aborted due to timeout", "TimeoutError"));
  };
  startTimer(next, now, { weak: true });
}

function abortSignal(signal: AbortSignal, reason: unknown): void {
  const state = stateOf(signal);
  if (state.aborted) return;
  const reached: AbortSignal[] = [signal];
  const { dependents } = state;
  if (dependents !== undefined) SetForEach(dependents, (dependent: AbortSignal) => append(reached, dependent));
  markAborted(reached, reason);
  for (let i = 0; i < reached.length; i++) {
    const { algorithms } = stateOf(reached[i]);
    if (algorithms !== undefined) SetForEach(algorithms, (algorithm: () => void) => guard(algorithm, []));
    algorithms?.clear();
    fireEvent(reached[i]!, "abort");
  }
}

/** Aborts one signal. */
export class AbortController {
  readonly #signal: AbortSignal = createSignal();

  get signal(): AbortSignal {
    return this.#signal;
  }
  abort(reason?: unknown): void {
    abortSignal(this.#signal, reason === undefined ? abortError() : reason);
  }

  [customInspect](depth: number, options: object, inspect: InspectFunction): string {
    return showFields(this, { signal: this.#signal }, depth, options, inspect);
  }
}

/** Is this an AbortSignal? Decided by brand: neither prototype nor properties count. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  return signalState(value) !== undefined;
}

/** Is the signal aborted? */
export function isAborted(signal: AbortSignal): boolean {
  return stateOf(signal).aborted;
}

/** The reason with which the signal was aborted; undefined while it is not. */
export function abortReason(signal: AbortSignal): unknown {
  return asRunError(stateOf(signal).reason);
}

/**
 * Calls `listener` when the signal is aborted, before the listeners of scripts; never for a signal that is aborted
 * already. Returns a function that takes the listener off again.
 */
export function onAbort(signal: AbortSignal, listener: (reason: unknown) => void): () => void {
  const state = stateOf(signal);
  if (state.aborted) return () => {};
  return addAlgorithm(signal, () => listener(asRunError(state.reason)));
}

/** A signal and what aborts it, for the runtime's own use: no method of it is looked up on a prototype. */
export function createAbortController(): { signal: AbortSignal; abort(reason?: unknown): void } {
  const signal = createSignal();
  return { signal, abort: (reason) => abortSignal(signal, reason === undefined ? abortError() : reason) };
}
