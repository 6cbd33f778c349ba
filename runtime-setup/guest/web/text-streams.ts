import { TextDecoder, TextEncoder } from "./encoding/encoding.ts";
import { toDomString } from "./web-strings.ts";
import { StringCharCodeAt, StringSlice } from "../../../src/shared/primordials.ts";

interface Controller {
  enqueue(chunk: unknown): void;
}

interface Transform {
  readonly readable: object;
  readonly writable: object;
}

type TransformClass = new (transformer: {
  transform(chunk: unknown, controller: Controller): void;
  flush(controller: Controller): void;
}) => Transform;

/** Text to bytes and back, as streams of this class. */
export function createTextStreams(TransformStream: TransformClass): Record<string, abstract new () => object> {
  class TextEncoderStream {
    readonly #encoder = new TextEncoder();
    /** The first half of a pair of UTF-16 units: the second may come with the next text. */
    #held = "";
    readonly #stream = new TransformStream({
      transform: (chunk, controller) => {
        let text = this.#held + toDomString(chunk);
        const last = text.length === 0 ? 0 : StringCharCodeAt(text, text.length - 1);
        this.#held = last >= 0xd800 && last <= 0xdbff ? StringSlice(text, -1) : "";
        if (this.#held !== "") text = StringSlice(text, 0, -1);
        if (text !== "") controller.enqueue(this.#encoder.encode(text));
      },
      flush: (controller) => {
        if (this.#held !== "") controller.enqueue(this.#encoder.encode(this.#held));
      },
    });

    get encoding(): string {
      return this.#encoder.encoding;
    }
    get readable(): object {
      return this.#stream.readable;
    }
    get writable(): object {
      return this.#stream.writable;
    }
  }

  class TextDecoderStream {
    readonly #decoder: TextDecoder;
    readonly #stream = new TransformStream({
      transform: (chunk, controller) => {
        const text = this.#decoder.decode(chunk, { stream: true });
        if (text !== "") controller.enqueue(text);
      },
      flush: (controller) => {
        const text = this.#decoder.decode();
        if (text !== "") controller.enqueue(text);
      },
    });

    constructor(label: unknown = "utf-8", options?: unknown) {
      this.#decoder = new TextDecoder(label, options);
    }

    get encoding(): string {
      return this.#decoder.encoding;
    }
    get fatal(): boolean {
      return this.#decoder.fatal;
    }
    get ignoreBOM(): boolean {
      return this.#decoder.ignoreBOM;
    }
    get readable(): object {
      return this.#stream.readable;
    }
    get writable(): object {
      return this.#stream.writable;
    }
  }
  return { TextEncoderStream, TextDecoderStream };
}
