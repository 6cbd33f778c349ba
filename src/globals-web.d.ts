/**
 * Calls back once, in a turn of its own. The id is a number.
 *
 * @example
 * setTimeout((name) => console.log(name), 10, "later");
 */
declare function setTimeout<A extends unknown[]>(callback: (...args: A) => void, ms?: number, ...args: A): number;
/** @example await new Promise((resolve) => setTimeout(resolve, 10)); */
declare function setTimeout(callback: (_: void) => void, ms?: number): number;
/**
 * Calls back again and again; each wait begins when the callback has returned.
 *
 * @example
 * const id = setInterval(() => clearInterval(id), 10);
 */
declare function setInterval<A extends unknown[]>(callback: (...args: A) => void, ms?: number, ...args: A): number;
/**
 * Calls back in the next turn.
 *
 * @example
 * setImmediate(() => console.log("next"));
 */
declare function setImmediate<A extends unknown[]>(callback: (...args: A) => void, ...args: A): number;
/** @example clearTimeout(setTimeout(() => {}, 1000)); */
declare function clearTimeout(id: number | undefined): void;
/** @example clearInterval(setInterval(() => {}, 1000)); */
declare function clearInterval(id: number | undefined): void;
/** @example clearImmediate(setImmediate(() => {})); */
declare function clearImmediate(id: number | undefined): void;
/** @example queueMicrotask(() => console.log("before the next turn")); */
declare function queueMicrotask(callback: () => void): void;
/**
 * A deep copy. Buffers in `transfer` move instead. Throws a DataCloneError for functions and the like.
 *
 * @example
 * structuredClone({ when: new Date(0), list: [1] }).list; // → [1]
 */
declare function structuredClone<T>(value: T, options?: { transfer?: readonly unknown[] }): T;
/** @example atob("aGk="); // → "hi" */
declare function atob(data: string): string;
/** @example btoa("hi"); // → "aGk=" */
declare function btoa(data: string): string;

interface EventInit {
  bubbles?: boolean;
  cancelable?: boolean;
  composed?: boolean;
}

interface Event {
  readonly type: string;
  readonly bubbles: boolean;
  readonly cancelable: boolean;
  readonly composed: boolean;
  readonly isTrusted: boolean;
  readonly timeStamp: number;
  readonly target: EventTarget | null;
  readonly srcElement: EventTarget | null;
  readonly currentTarget: EventTarget | null;
  readonly eventPhase: number;
  readonly defaultPrevented: boolean;
  returnValue: boolean;
  cancelBubble: boolean;
  initEvent(type: string, bubbles?: boolean, cancelable?: boolean): void;
  composedPath(): EventTarget[];
  preventDefault(): void;
  stopPropagation(): void;
  stopImmediatePropagation(): void;
}
/** @example new Event("ready", { cancelable: true }).type; // → "ready" */
declare const Event: {
  new (type: string, init?: EventInit): Event;
  readonly prototype: Event;
  readonly NONE: 0;
  readonly CAPTURING_PHASE: 1;
  readonly AT_TARGET: 2;
  readonly BUBBLING_PHASE: 3;
};

interface CustomEvent<T = unknown> extends Event {
  readonly detail: T;
}
/** @example new CustomEvent("added", { detail: 7 }).detail; // → 7 */
declare const CustomEvent: {
  new <T>(type: string, init?: EventInit & { detail?: T }): CustomEvent<T>;
  readonly prototype: CustomEvent;
};

type EventListener = ((event: Event) => void) | { handleEvent(event: Event): void } | null;

interface EventTarget {
  addEventListener(
    type: string,
    listener: EventListener,
    options?: boolean | { capture?: boolean; once?: boolean; passive?: boolean; signal?: AbortSignal },
  ): void;
  removeEventListener(type: string, listener: EventListener, options?: boolean | { capture?: boolean }): void;
  /** False when a listener has called `preventDefault()`. */
  dispatchEvent(event: Event): boolean;
}
/**
 * @example
 * const target = new EventTarget();
 * target.addEventListener("ready", () => console.log("ready"), { once: true });
 * target.dispatchEvent(new Event("ready")); // → true
 */
declare const EventTarget: { new (): EventTarget; readonly prototype: EventTarget };

interface AbortSignal extends EventTarget {
  readonly aborted: boolean;
  readonly reason: unknown;
  onabort: ((event: Event) => void) | null;
  throwIfAborted(): void;
}
/**
 * Tells whoever holds it that work is to stop.
 *
 * @example
 * const signal = AbortSignal.any([AbortSignal.timeout(1000), new AbortController().signal]);
 * signal.aborted; // → false
 */
declare const AbortSignal: {
  readonly prototype: AbortSignal;
  abort(reason?: unknown): AbortSignal;
  /** Keeps no settled script alive. */
  timeout(ms: number): AbortSignal;
  any(signals: Iterable<AbortSignal>): AbortSignal;
};

interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}
/**
 * @example
 * const controller = new AbortController();
 * const promise = doubleStep.startAsync(1, { signal: controller.signal });
 * controller.abort();
 */
declare const AbortController: { new (): AbortController; readonly prototype: AbortController };

interface DOMExceptionCodes {
  readonly INDEX_SIZE_ERR: 1;
  readonly DOMSTRING_SIZE_ERR: 2;
  readonly HIERARCHY_REQUEST_ERR: 3;
  readonly WRONG_DOCUMENT_ERR: 4;
  readonly INVALID_CHARACTER_ERR: 5;
  readonly NO_DATA_ALLOWED_ERR: 6;
  readonly NO_MODIFICATION_ALLOWED_ERR: 7;
  readonly NOT_FOUND_ERR: 8;
  readonly NOT_SUPPORTED_ERR: 9;
  readonly INUSE_ATTRIBUTE_ERR: 10;
  readonly INVALID_STATE_ERR: 11;
  readonly SYNTAX_ERR: 12;
  readonly INVALID_MODIFICATION_ERR: 13;
  readonly NAMESPACE_ERR: 14;
  readonly INVALID_ACCESS_ERR: 15;
  readonly VALIDATION_ERR: 16;
  readonly TYPE_MISMATCH_ERR: 17;
  readonly SECURITY_ERR: 18;
  readonly NETWORK_ERR: 19;
  readonly ABORT_ERR: 20;
  readonly URL_MISMATCH_ERR: 21;
  readonly QUOTA_EXCEEDED_ERR: 22;
  readonly TIMEOUT_ERR: 23;
  readonly INVALID_NODE_TYPE_ERR: 24;
  readonly DATA_CLONE_ERR: 25;
}
interface DOMException extends Error, DOMExceptionCodes {
  readonly code: number;
}
/** @example new DOMException("stop", "AbortError").code; // → 20 */
declare const DOMException: {
  new (message?: string, nameOrOptions?: string | { name?: string; cause?: unknown }): DOMException;
  readonly prototype: DOMException;
} & DOMExceptionCodes;

interface TextEncoder {
  readonly encoding: "utf-8";
  encode(text?: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}
/** @example new TextEncoder().encode("é").length; // → 2 */
declare const TextEncoder: { new (): TextEncoder; readonly prototype: TextEncoder };

interface TextDecoder {
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(bytes?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}
/**
 * Reads utf-8, utf-16le and latin1.
 *
 * @example
 * new TextDecoder().decode(new Uint8Array([104, 105])); // → "hi"
 */
declare const TextDecoder: {
  new (encoding?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder;
  readonly prototype: TextDecoder;
};

interface URLSearchParams {
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  forEach(callback: (value: string, name: string, params: URLSearchParams) => void, receiver?: unknown): void;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  entries(): IterableIterator<[string, string]>;
  toString(): string;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}
/** @example new URLSearchParams({ q: "a b" }).toString(); // → "q=a+b" */
declare const URLSearchParams: {
  new (init?: string | Iterable<readonly [string, string]> | Record<string, string>): URLSearchParams;
  readonly prototype: URLSearchParams;
};

interface URL {
  href: string;
  readonly origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  hash: string;
  readonly searchParams: URLSearchParams;
  toString(): string;
  toJSON(): string;
}
/** @example new URL("../b?x=1", "https://example.com/a/").pathname; // → "/b" */
declare const URL: {
  new (url: string | URL, base?: string | URL): URL;
  readonly prototype: URL;
  parse(url: string | URL, base?: string | URL): URL | null;
  canParse(url: string | URL, base?: string | URL): boolean;
};

interface Crypto {
  /** @example crypto.randomUUID().length; // → 36 */
  randomUUID(): string;
  /** @example crypto.getRandomValues(new Uint8Array(4)).length; // → 4 */
  getRandomValues<T extends ArrayBufferView>(array: T): T;
}
declare const Crypto: { readonly prototype: Crypto };
declare const crypto: Crypto;

/** The global object, under its name in browsers. */
declare const self: typeof globalThis;

interface ImportMeta {
  /** The script's name, from its own folder: "file:///script.js". */
  url: string;
}
