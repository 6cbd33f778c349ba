import { SafeSymbol, SafeTypeError } from "../../../src/shared/primordials.ts";
import { customInspect } from "../core/inspect.ts";
import { type InspectFunction, showFields } from "./show-fields.ts";
import { elapsedMs } from "./elapsed.ts";
import { toDomString } from "./web-strings.ts";

/** What the dispatcher reads and writes of an event. Held by brand: a script can neither forge nor reach it. */
export interface EventState {
  type: string;
  bubbles: boolean;
  cancelable: boolean;
  composed: boolean;
  trusted: boolean;
  timeStamp: number;
  target: object | null;
  dispatching: boolean;
  passive: boolean;
  canceled: boolean;
  stopped: boolean;
  stoppedAtOnce: boolean;
}

const TRUSTED = SafeSymbol("trusted");

function readInit(init: unknown): { bubbles: boolean; cancelable: boolean; composed: boolean } {
  if (init === undefined || init === null) return { bubbles: false, cancelable: false, composed: false };
  if (typeof init !== "object" && typeof init !== "function") {
    throw new SafeTypeError("Cannot create an Event: its options must be an object");
  }
  const { bubbles, cancelable, composed } = init as Record<string, unknown>;
  return { bubbles: !!bubbles, cancelable: !!cancelable, composed: !!composed };
}

/** The state of an event; undefined for anything else. */
export let eventState: (value: unknown) => EventState | undefined;

/** An event of the DOM, without a tree of nodes to travel through. */
export class Event {
  #state: EventState;

  constructor(type: string, init?: unknown, mark?: unknown) {
    if (arguments.length === 0) throw new SafeTypeError("Cannot create an Event: it needs a type");
    this.#state = {
      type: toDomString(type),
      ...readInit(init),
      trusted: mark === TRUSTED,
      timeStamp: elapsedMs(),
      target: null,
      dispatching: false,
      passive: false,
      canceled: false,
      stopped: false,
      stoppedAtOnce: false,
    };
  }

  get type(): string {
    return this.#state.type;
  }
  get bubbles(): boolean {
    return this.#state.bubbles;
  }
  get cancelable(): boolean {
    return this.#state.cancelable;
  }
  get composed(): boolean {
    return this.#state.composed;
  }
  get isTrusted(): boolean {
    return this.#state.trusted;
  }
  get timeStamp(): number {
    return this.#state.timeStamp;
  }
  get target(): object | null {
    return this.#state.target;
  }
  get srcElement(): object | null {
    return this.#state.target;
  }
  get currentTarget(): object | null {
    return this.#state.dispatching ? this.#state.target : null;
  }
  get eventPhase(): number {
    return this.#state.dispatching ? Event.AT_TARGET : Event.NONE;
  }
  get defaultPrevented(): boolean {
    return this.#state.canceled;
  }
  get returnValue(): boolean {
    return !this.#state.canceled;
  }
  set returnValue(value: unknown) {
    if (!value) this.preventDefault();
  }
  get cancelBubble(): boolean {
    return this.#state.stopped;
  }
  set cancelBubble(value: unknown) {
    if (value) this.#state.stopped = true;
  }
  initEvent(type: unknown, bubbles: unknown = false, cancelable: unknown = false): void {
    if (arguments.length === 0) throw new SafeTypeError("Cannot initialise an Event: it needs a type");
    const state = this.#state;
    if (state.dispatching) return;
    state.type = toDomString(type);
    state.bubbles = !!bubbles;
    state.cancelable = !!cancelable;
  }
  composedPath(): object[] {
    const { dispatching, target } = this.#state;
    return dispatching && target !== null ? [target] : [];
  }
  preventDefault(): void {
    const state = this.#state;
    if (state.cancelable && !state.passive) state.canceled = true;
  }
  stopPropagation(): void {
    this.#state.stopped = true;
  }
  stopImmediatePropagation(): void {
    this.#state.stopped = true;
    this.#state.stoppedAtOnce = true;
  }

  [customInspect](depth: number, options: object, inspect: InspectFunction): string {
    const { type, canceled, cancelable, timeStamp } = this.#state;
    const fields = { type, defaultPrevented: canceled, cancelable, timeStamp };
    return showFields(this, fields, depth, options, inspect);
  }

  static readonly NONE = 0;
  static readonly CAPTURING_PHASE = 1;
  static readonly AT_TARGET = 2;
  static readonly BUBBLING_PHASE = 3;

  static {
    eventState = (value) => (typeof value === "object" && value !== null && #state in value ? value.#state : undefined);
  }
}

/** An event that the runtime itself fires. */
export function trustedEvent(type: string): Event {
  return new (Event as new (type: string, init: unknown, mark: unknown) => Event)(type, undefined, TRUSTED);
}
