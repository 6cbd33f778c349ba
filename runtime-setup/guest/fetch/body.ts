import {
  append,
  ArrayBufferSlice,
  JSONParse,
  promiseThen,
  ReflectApply,
  SafePromise,
  SafeTypeError,
  SafeUint8Array,
  StringSlice,
  TypedArraySet,
} from "../../../src/shared/primordials.ts";
import { guestError } from "../core/errors.ts";
import { btoa } from "../web/encoding/base64.ts";
import { bytesOf, viewParts } from "../web/encoding/bytes.ts";
import { decodeUtf8, encodeUtf8, TextBuilder } from "../web/encoding/utf8.ts";
import { isReadableStream, type ReadableStream, streamClasses } from "../web/streams.ts";
import { isSearchParams, serializeSearchParams } from "../web/url/search-params.ts";
import { toUsvString } from "../web/web-strings.ts";

/** What a body reads of an answer that is still coming. */
export interface BodySource {
  /** The next bytes; null at the end. */
  read(): Promise<Uint8Array | null>;
  cancel(): void;
}

/** A body on its way out. */
export type SentBody = { text: string } | { base64: string };

type Content =
  | { kind: "none" }
  | { kind: "text"; text: string }
  | { kind: "bytes"; bytes: Uint8Array }
  | { kind: "source"; source: BodySource }
  | { kind: "stream"; stream: ReadableStream };

function rejected(error: unknown): Promise<never> {
  return new SafePromise((_, reject) => reject(error));
}

function resolved<T>(value: T): Promise<T> {
  return new SafePromise((resolve) => resolve(value));
}

function copied(bytes: Uint8Array): Uint8Array {
  const { buffer, offset, length } = viewParts(bytes)!;
  return new SafeUint8Array(ArrayBufferSlice(buffer, offset, offset + length));
}

function concatenated(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const whole = new SafeUint8Array(total);
  let at = 0;
  for (let i = 0; i < chunks.length; i++) {
    TypedArraySet(whole, chunks[i]!, at);
    at += viewParts(chunks[i]!)!.length;
  }
  return whole;
}

/** All bytes that `read` gives until it gives null. */
function readAll(read: () => Promise<Uint8Array | null>): Promise<Uint8Array> {
  return new SafePromise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let total = 0;
    const next = (): void => {
      void promiseThen(
        read(),
        (chunk) => {
          if (chunk === null) return resolve(concatenated(chunks, total));
          append(chunks, chunk);
          total += viewParts(chunk)!.length;
          next();
        },
        reject,
      );
    };
    next();
  });
}

/** What reads a stream of bytes, chunk by chunk. */
function readerOf(stream: ReadableStream): () => Promise<Uint8Array | null> {
  const { getReader, read } = streamClasses();
  const reader = ReflectApply(getReader, stream, []);
  return () =>
    promiseThen(ReflectApply(read, reader, []), ({ done, value }) => {
      if (done) return null;
      const bytes = bytesOf(value);
      if (bytes === undefined)
        throw new SafeTypeError("Cannot read the body: its stream gives something else than bytes");
      return bytes;
    }) as Promise<Uint8Array | null>;
}

/** The body of a request or an answer: it is read once. */
export class Body {
  #content: Content;
  #isUsed = false;
  #stream: ReadableStream | undefined;

  constructor(content: Content) {
    this.#content = content;
  }

  get isEmpty(): boolean {
    return this.#content.kind === "none";
  }

  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** Can it be read from here? */
  get isUsable(): boolean {
    return !this.#isUsed && this.#stream?.locked !== true;
  }

  /** The body as a stream; null for none. */
  get stream(): ReadableStream | null {
    const content = this.#content;
    if (content.kind === "none") return null;
    this.#stream ??= content.kind === "stream" ? content.stream : this.#open(content);
    return this.#stream;
  }

  #open(content: Content & { kind: "text" | "bytes" | "source" }): ReadableStream {
    const { ReadableStream: Stream } = streamClasses();
    let left: Uint8Array | null = content.kind === "source" ? null : ownBytes(content);
    const read = (): Promise<Uint8Array | null> => {
      if (content.kind === "source") return content.source.read();
      const bytes = left;
      left = null;
      return resolved(bytes === null || viewParts(bytes)!.length === 0 ? null : bytes);
    };
    return new Stream(
      {
        type: "bytes",
        pull: (controller) => {
          this.#isUsed = true;
          return promiseThen(read(), (chunk) => {
            if (chunk !== null) return controller.enqueue(chunk);
            controller.close();
            controller.byobRequest?.respond(0);
          });
        },
        cancel: () => {
          this.#isUsed = true;
          if (content.kind === "source") content.source.cancel();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** All of it in the form in which it goes out: a text as it is, anything else in base64. At once, where it is all there. */
  send(then: (body: SentBody | undefined) => void, fail: (error: unknown) => void): void {
    const content = this.#content;
    if (content.kind === "none") return then(undefined);
    if (this.isUsable && this.#stream === undefined && (content.kind === "text" || content.kind === "bytes")) {
      this.#isUsed = true;
      return then(content.kind === "text" ? { text: content.text } : { base64: toBase64(content.bytes) });
    }
    void promiseThen(
      promiseThen(this.bytes(), (bytes) => then({ base64: toBase64(bytes) })),
      undefined,
      fail,
    );
  }

  /** All of it. */
  bytes(): Promise<Uint8Array> {
    if (!this.isUsable) return rejected(new SafeTypeError("Body is unusable: Body has already been read"));
    const content = this.#content;
    if (content.kind === "none") return resolved(new SafeUint8Array(0));
    this.#isUsed = true;
    if (this.#stream !== undefined || content.kind === "stream") {
      return readAll(readerOf(this.#stream ?? (content as { stream: ReadableStream }).stream));
    }
    return content.kind === "source" ? readAll(() => content.source.read()) : resolved(ownBytes(content));
  }

  text(): Promise<string> {
    return promiseThen(this.bytes(), decodeText) as Promise<string>;
  }

  json(): Promise<unknown> {
    return promiseThen(this.bytes(), (bytes) => JSONParse(decodeText(bytes)));
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return promiseThen(this.bytes(), (bytes) => viewParts(bytes)!.buffer) as Promise<ArrayBuffer>;
  }

  /** The same body for another request: this one has been read then. */
  take(): Body {
    const taken = new Body(this.#stream === undefined ? this.#content : { kind: "stream", stream: this.#stream });
    this.#isUsed = true;
    return taken;
  }

  /** Another body with the same content; both are to be read. */
  clone(): Body {
    if (!this.isUsable) throw new SafeTypeError("Cannot clone: the body has been read already");
    const content = this.#content;
    if (content.kind !== "source" && content.kind !== "stream") return new Body(content);
    const { tee } = streamClasses();
    const twins = ReflectApply(tee, this.stream!, []);
    this.#stream = undefined;
    this.#content = { kind: "stream", stream: twins[0] };
    this.#isUsed = false;
    return new Body({ kind: "stream", stream: twins[1] });
  }
}

function ownBytes(content: Content & { kind: "text" | "bytes" }): Uint8Array {
  return content.kind === "text" ? encodeUtf8(content.text) : copied(content.bytes);
}

/** UTF-8 without its mark. */
function decodeText(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes, viewParts(bytes)!.length);
  return text[0] === "\ufeff" ? StringSlice(text, 1) : text;
}

function toBase64(bytes: Uint8Array): string {
  const out = new TextBuilder();
  const { length } = viewParts(bytes)!;
  for (let i = 0; i < length; i++) out.add(bytes[i]!);
  return btoa(out.take());
}

/** What a script gives as a body, and the type that goes with it. */
export function toBody(init: unknown): { body: Body; type: string | undefined } {
  if (init === undefined || init === null) return { body: new Body({ kind: "none" }), type: undefined };
  if (typeof init === "string") return textBody(toUsvString(init), "text/plain;charset=UTF-8");
  if (typeof init === "object") {
    if (isSearchParams(init)) {
      return textBody(serializeSearchParams(init), "application/x-www-form-urlencoded;charset=UTF-8");
    }
    const bytes = bytesOf(init);
    if (bytes !== undefined) return { body: new Body({ kind: "bytes", bytes: copied(bytes) }), type: undefined };
    if (isReadableStream(init)) return { body: new Body({ kind: "stream", stream: init }), type: undefined };
    throw guestError(
      "TypeError",
      "Cannot send an object as the body: give a text, such as JSON.stringify(object), bytes, URLSearchParams or a ReadableStream",
      "ERR_VALIDATION",
    );
  }
  return textBody(toUsvString(init), "text/plain;charset=UTF-8");
}

function textBody(text: string, type: string): { body: Body; type: string } {
  return { body: new Body({ kind: "text", text }), type };
}
