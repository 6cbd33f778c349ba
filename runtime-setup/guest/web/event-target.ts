import { append, ReflectApply, SafeMap, SafeTypeError } from "../../../src/shared/primordials.ts";
import { reportUncaught } from "../core/kernel.ts";
import { addAlgorithm, setHeard, signalState } from "./abort-state.ts";
import { DOMException } from "./dom-exception.ts";
import { type Event, type EventState, eventState, trustedEvent } from "./event.ts";
import { toDomString } from "./web-strings.ts";

/** A function, or an object with `handleEvent`. */
export type EventListener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown };

interface Registration {
  callback: EventListener;
  capture: boolean;
  once: boolean;
  passive: boolean;
  removed: boolean;
  /** Has the signal that was to remove it let go of it. */
  forget: (() => void) | undefined;
}

interface ListenerOptions {
  capture: boolean;
  once: boolean;
  passive: boolean;
  signal: unknown;
}

function readOptions(options: unknown): ListenerOptions {
  if (typeof options !== "object" || options === null) {
    return { capture: !!options, once: false, passive: false, signal: undefined };
  }
  const { capture, once, passive, signal } = options as Record<string, unknown>;
  return { capture: !!capture, once: !!once, passive: !!passive, signal };
}

/** Dispatches an event that the runtime has made; `handler` is what a property such as `onmessage` holds, called first. */
export let fireOwnEvent: (target: EventTarget, event: Event, handler: ((event: Event) => unknown) | null) => void;
/** Fires an event of the runtime's, whatever a script did to `dispatchEvent`. */
export let fireEvent: (target: EventTarget, type: string) => void;
export let isEventTarget: (value: object) => boolean;

/** Dispatches to its own listeners; there is no tree here through which an event could bubble. */
export class EventTarget {
  /** Made with the first listener: most targets are signals that nobody listens to. */
  #listeners: Map<string, Registration[]> | undefined = undefined;

  addEventListener(type: string, callback: EventListener | null, options?: unknown): void {
    if (arguments.length < 2) throw new SafeTypeError("Cannot add a listener: it needs a type and a listener");
    const { capture, once, passive, signal } = readOptions(options);
    const state = signal === undefined ? undefined : signalState(signal);
    if (signal !== undefined && state === undefined) {
      throw new SafeTypeError("Cannot add a listener: options.signal must be an AbortSignal");
    }
    if (callback === null || callback === undefined) return;
    if (typeof callback !== "function" && typeof callback !== "object") {
      throw new SafeTypeError(`Cannot add a listener: it must be a function or an object, not ${typeof callback}`);
    }
    if (state?.aborted === true) return;
    const key = toDomString(type);
    const listeners = (this.#listeners ??= new SafeMap());
    const list = listeners.get(key);
    const registration: Registration = { callback, capture, once, passive, removed: false, forget: undefined };
    if (list === undefined) {
      listeners.set(key, [registration]);
      if (key === "abort") setHeard(this, true);
    } else {
      for (let i = 0; i < list.length; i++) if (list[i]!.callback === callback && list[i]!.capture === capture) return;
      append(list, registration);
    }
    if (state !== undefined)
      registration.forget = addAlgorithm(signal as object, () => this.#remove(key, registration));
  }

  removeEventListener(type: string, callback: EventListener | null, options?: unknown): void {
    if (arguments.length < 2) throw new SafeTypeError("Cannot remove a listener: it needs a type and a listener");
    const { capture } = readOptions(options);
    const key = toDomString(type);
    const list = this.#listeners?.get(key);
    for (let i = 0; list !== undefined && i < list.length; i++) {
      const registration = list[i]!;
      if (registration.callback !== callback || registration.capture !== capture) continue;
      this.#remove(key, registration);
      return;
    }
  }

  dispatchEvent(event: Event): boolean {
    const state = eventState(event);
    if (state === undefined) throw new SafeTypeError("Cannot dispatch: it is not an Event");
    if (state.dispatching) throw new DOMException("The event is already being dispatched", "InvalidStateError");
    state.trusted = false;
    this.#dispatch(event, state);
    return !state.canceled;
  }

  #remove(key: string, registration: Registration): void {
    registration.removed = true;
    registration.forget?.();
    const listeners = this.#listeners;
    const list = listeners?.get(key);
    if (listeners === undefined || list === undefined) return;
    // A dispatch under way walks the old list, in which what is removed is marked.
    const kept: Registration[] = [];
    for (let i = 0; i < list.length; i++) if (list[i] !== registration) append(kept, list[i]!);
    if (kept.length > 0) {
      listeners.set(key, kept);
      return;
    }
    listeners.delete(key);
    if (key === "abort") setHeard(this, false);
  }

  #dispatch(event: Event, state: EventState): void {
    const list = this.#listeners?.get(state.type);
    state.target = this;
    if (list === undefined) return;
    state.dispatching = true;
    // Listeners that are added meanwhile wait for the next event.
    const { length } = list;
    for (let i = 0; i < length && !state.stoppedAtOnce; i++) {
      const registration = list[i]!;
      if (registration.removed) continue;
      if (registration.once) this.#remove(state.type, registration);
      state.passive = registration.passive;
      this.#call(registration.callback, event);
    }
    state.passive = false;
    state.dispatching = false;
    state.stopped = false;
    state.stoppedAtOnce = false;
  }

  #call(callback: EventListener, event: Event): void {
    try {
      if (typeof callback === "function") ReflectApply(callback, this, [event]);
      else {
        const { handleEvent } = callback;
        if (typeof handleEvent !== "function") throw new SafeTypeError("Cannot call handleEvent: it is not a function");
        ReflectApply(handleEvent, callback, [event]);
      }
    } catch (error) {
      reportUncaught(error);
    }
  }

  static {
    isEventTarget = (value) => #listeners in value;
    fireOwnEvent = (target, event, handler) => {
      const state = eventState(event) as EventState;
      state.target = target;
      if (handler !== null) target.#call(handler, event);
      target.#dispatch(event, state);
    };
    fireEvent = (target, type) => {
      if (target.#listeners?.has(type) !== true) return;
      const event = trustedEvent(type);
      target.#dispatch(event, eventState(event) as EventState);
    };
  }
}
