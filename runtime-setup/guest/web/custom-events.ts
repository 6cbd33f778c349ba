import { append, isArray, SafeTypeError } from "../../../src/shared/primordials.ts";
import { Event } from "./event.ts";
import { toDomString, toUsvString } from "./web-strings.ts";

function fieldsOf(init: unknown): Record<string, unknown> {
  return (init ?? {}) as Record<string, unknown>;
}

/** An event with something of the script's own in it. */
export class CustomEvent extends Event {
  readonly #detail: unknown;

  constructor(type: string, init?: unknown) {
    if (arguments.length === 0) throw new SafeTypeError("Cannot create a CustomEvent: it needs a type");
    super(type, init);
    const { detail } = fieldsOf(init);
    this.#detail = detail === undefined ? null : detail;
  }

  get detail(): unknown {
    return this.#detail;
  }
}

/** A message that has arrived. */
export class MessageEvent extends Event {
  readonly #data: unknown;
  readonly #origin: string;
  readonly #lastEventId: string;
  readonly #source: unknown;
  readonly #ports: readonly unknown[];

  constructor(type: string, init?: unknown) {
    if (arguments.length === 0) throw new SafeTypeError("Cannot create a MessageEvent: it needs a type");
    super(type, init);
    const { data = null, origin = "", lastEventId = "", source = null, ports } = fieldsOf(init);
    this.#data = data;
    this.#origin = toUsvString(origin);
    this.#lastEventId = toDomString(lastEventId);
    this.#source = source;
    const list: unknown[] = [];
    if (isArray(ports)) for (let i = 0; i < ports.length; i++) append(list, ports[i]);
    this.#ports = list;
  }

  get data(): unknown {
    return this.#data;
  }
  get origin(): string {
    return this.#origin;
  }
  get lastEventId(): string {
    return this.#lastEventId;
  }
  get source(): unknown {
    return this.#source;
  }
  get ports(): readonly unknown[] {
    return this.#ports;
  }
}
