/** Web streams. They are loaded when a script first asks for one of them. */

interface QueuingStrategy<T = unknown> {
  highWaterMark?: number;
  size?: (chunk: T) => number;
}
interface CountQueuingStrategy {
  readonly highWaterMark: number;
  readonly size: (chunk?: unknown) => 1;
}
declare const CountQueuingStrategy: {
  new (init: { highWaterMark: number }): CountQueuingStrategy;
  readonly prototype: CountQueuingStrategy;
};
interface ByteLengthQueuingStrategy {
  readonly highWaterMark: number;
  readonly size: (chunk: ArrayBufferView) => number;
}
declare const ByteLengthQueuingStrategy: {
  new (init: { highWaterMark: number }): ByteLengthQueuingStrategy;
  readonly prototype: ByteLengthQueuingStrategy;
};

interface StreamPipeOptions {
  preventAbort?: boolean;
  preventCancel?: boolean;
  preventClose?: boolean;
  signal?: AbortSignal;
}
type StreamResult<T> = { done: false; value: T } | { done: true; value: T | undefined };

interface ReadableStreamDefaultController<T = unknown> {
  readonly desiredSize: number | null;
  enqueue(chunk?: T): void;
  close(): void;
  error(reason?: unknown): void;
}
declare const ReadableStreamDefaultController: { readonly prototype: ReadableStreamDefaultController };
interface ReadableStreamBYOBRequest {
  readonly view: ArrayBufferView | null;
  respond(bytesWritten: number): void;
  respondWithNewView(view: ArrayBufferView): void;
}
declare const ReadableStreamBYOBRequest: { readonly prototype: ReadableStreamBYOBRequest };
interface ReadableByteStreamController {
  readonly byobRequest: ReadableStreamBYOBRequest | null;
  readonly desiredSize: number | null;
  enqueue(chunk: ArrayBufferView): void;
  close(): void;
  error(reason?: unknown): void;
}
declare const ReadableByteStreamController: { readonly prototype: ReadableByteStreamController };

interface ReadableStreamDefaultReader<T = unknown> {
  readonly closed: Promise<undefined>;
  read(): Promise<StreamResult<T>>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}
declare const ReadableStreamDefaultReader: {
  new <T>(stream: ReadableStream<T>): ReadableStreamDefaultReader<T>;
  readonly prototype: ReadableStreamDefaultReader;
};
interface ReadableStreamBYOBReader {
  readonly closed: Promise<undefined>;
  read<T extends ArrayBufferView>(view: T, options?: { min?: number }): Promise<StreamResult<T>>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}
declare const ReadableStreamBYOBReader: {
  new (stream: ReadableStream): ReadableStreamBYOBReader;
  readonly prototype: ReadableStreamBYOBReader;
};

interface ReadableStream<T = unknown> {
  readonly locked: boolean;
  cancel(reason?: unknown): Promise<void>;
  getReader(options: { mode: "byob" }): ReadableStreamBYOBReader;
  getReader(): ReadableStreamDefaultReader<T>;
  pipeThrough<R>(
    transform: { readable: ReadableStream<R>; writable: WritableStream<T> },
    options?: StreamPipeOptions,
  ): ReadableStream<R>;
  pipeTo(target: WritableStream<T>, options?: StreamPipeOptions): Promise<void>;
  tee(): [ReadableStream<T>, ReadableStream<T>];
  values(options?: { preventCancel?: boolean }): AsyncIterableIterator<T>;
  [Symbol.asyncIterator](options?: { preventCancel?: boolean }): AsyncIterableIterator<T>;
}
/**
 * @example
 * const reader = ReadableStream.from(["a", "b"]).getReader();
 * (await reader.read()).value; // → "a"
 */
declare const ReadableStream: {
  new (
    source: {
      type: "bytes";
      autoAllocateChunkSize?: number;
      start?(controller: ReadableByteStreamController): unknown;
      pull?(controller: ReadableByteStreamController): unknown;
      cancel?(reason?: unknown): unknown;
    },
    strategy?: QueuingStrategy<ArrayBufferView>,
  ): ReadableStream<Uint8Array>;
  new <T>(
    source?: {
      type?: undefined;
      start?(controller: ReadableStreamDefaultController<T>): unknown;
      pull?(controller: ReadableStreamDefaultController<T>): unknown;
      cancel?(reason?: unknown): unknown;
    },
    strategy?: QueuingStrategy<T>,
  ): ReadableStream<T>;
  readonly prototype: ReadableStream;
  from<T>(iterable: Iterable<T> | AsyncIterable<T>): ReadableStream<T>;
};

interface WritableStreamDefaultController {
  readonly signal: AbortSignal;
  readonly abortReason: unknown;
  error(reason?: unknown): void;
}
declare const WritableStreamDefaultController: { readonly prototype: WritableStreamDefaultController };
interface WritableStreamDefaultWriter<T = unknown> {
  readonly closed: Promise<undefined>;
  readonly desiredSize: number | null;
  readonly ready: Promise<undefined>;
  abort(reason?: unknown): Promise<void>;
  close(): Promise<void>;
  releaseLock(): void;
  write(chunk?: T): Promise<void>;
}
declare const WritableStreamDefaultWriter: {
  new <T>(stream: WritableStream<T>): WritableStreamDefaultWriter<T>;
  readonly prototype: WritableStreamDefaultWriter;
};
interface WritableStream<T = unknown> {
  readonly locked: boolean;
  abort(reason?: unknown): Promise<void>;
  close(): Promise<void>;
  getWriter(): WritableStreamDefaultWriter<T>;
}
/**
 * @example
 * const writer = new WritableStream({ write: (chunk) => console.log(chunk) }).getWriter();
 * await writer.write("a");
 */
declare const WritableStream: {
  new <T>(
    sink?: {
      start?(controller: WritableStreamDefaultController): unknown;
      write?(chunk: T, controller: WritableStreamDefaultController): unknown;
      close?(): unknown;
      abort?(reason?: unknown): unknown;
    },
    strategy?: QueuingStrategy<T>,
  ): WritableStream<T>;
  readonly prototype: WritableStream;
};

interface TransformStreamDefaultController<T = unknown> {
  readonly desiredSize: number | null;
  enqueue(chunk?: T): void;
  error(reason?: unknown): void;
  terminate(): void;
}
declare const TransformStreamDefaultController: { readonly prototype: TransformStreamDefaultController };
interface TransformStream<I = unknown, O = unknown> {
  readonly readable: ReadableStream<O>;
  readonly writable: WritableStream<I>;
}
declare const TransformStream: {
  new <I, O>(
    transformer?: {
      start?(controller: TransformStreamDefaultController<O>): unknown;
      transform?(chunk: I, controller: TransformStreamDefaultController<O>): unknown;
      flush?(controller: TransformStreamDefaultController<O>): unknown;
      cancel?(reason?: unknown): unknown;
    },
    writableStrategy?: QueuingStrategy<I>,
    readableStrategy?: QueuingStrategy<O>,
  ): TransformStream<I, O>;
  readonly prototype: TransformStream;
};

interface TextEncoderStream extends TransformStream<string, Uint8Array> {
  readonly encoding: "utf-8";
}
declare const TextEncoderStream: { new (): TextEncoderStream; readonly prototype: TextEncoderStream };
interface TextDecoderStream extends TransformStream<ArrayBuffer | ArrayBufferView, string> {
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
}
/**
 * @example
 * const bytes = ReadableStream.from([new Uint8Array([104, 105])]);
 * for await (const text of bytes.pipeThrough(new TextDecoderStream())) console.log(text);
 */
declare const TextDecoderStream: {
  new (encoding?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoderStream;
  readonly prototype: TextDecoderStream;
};
