import { OPS } from "../../../src/shared/contract/ops.ts";
import {
  append,
  isArray,
  NumberIsInteger,
  promiseThen,
  SafeError,
  SafeTypeError,
} from "../../../src/shared/primordials.ts";
import { callWithSignal, checkOptions, onlySignal } from "../core/calls.ts";
import { guestError } from "../core/errors.ts";
import { callAsync, callBlocking, callSync, defineGlobal, guard, nameMembers, reportUncaught } from "../core/kernel.ts";
import type { StepBinding } from "../steps/step-body.ts";
import { createStepObject, type StepObject } from "../steps/steps.ts";

interface Callbacks {
  onSuccess?: (embedding: Float32Array) => unknown;
  onError?: (error: unknown) => unknown;
}

function checkedText(text: unknown, what: string): string {
  if (typeof text === "string") return text;
  throw guestError(
    "ValidationError",
    `Cannot embed ${what}: expected a string, not ${text === null ? "null" : typeof text}`,
  );
}

function checkedTexts(texts: unknown): string[] {
  if (!isArray(texts)) throw guestError("ValidationError", "Cannot embed the texts: expected an array of strings");
  const checked: string[] = [];
  for (let i = 0; i < texts.length; i++) append(checked, checkedText(texts[i], `texts[${i}]`));
  return checked;
}

function first(vectors: unknown): Float32Array {
  return (vectors as Float32Array[])[0]!;
}

function cosineSimilarity(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a?.length === undefined || a.length !== b?.length) {
    throw guestError("ValidationError", `Cannot compare vectors: their lengths are ${a?.length} and ${b?.length}`);
  }
  let dot = 0;
  let normA = 0;
  let normB = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    normA += a[i]! * a[i]!;
    normB += b[i]! * b[i]!;
  }
  return normA === 0 || normB === 0 ? 0 : dot / (normA ** 0.5 * normB ** 0.5);
}

function checkedCallback<T>(callback: T, name: string): T {
  if (callback === undefined || typeof callback === "function") return callback;
  throw new SafeTypeError(`Cannot use ${name}: it must be a function, not ${typeof callback}`);
}

function generateWithCallbacks(text: unknown, callbacks: Callbacks = {}): () => void {
  checkOptions("embed the text", callbacks, ["onSuccess", "onError"]);
  const onSuccess = checkedCallback(callbacks.onSuccess, "onSuccess");
  const onError = checkedCallback(callbacks.onError, "onError");
  let over = false;
  const call = callAsync(OPS.embedding_generate, { texts: [checkedText(text, "the text")] });
  void promiseThen(
    call.promise,
    (vectors) => {
      if (over) return;
      over = true;
      if (onSuccess) guard(onSuccess, [first(vectors)]);
    },
    (error) => {
      if (over) return;
      over = true;
      if (onError) guard(onError, [error]);
      else reportUncaught(error);
    },
  );
  return function cancel(): void {
    if (over) return;
    over = true;
    call.abort(new SafeError("the embedding was cancelled"));
  };
}

interface ModelChoice {
  model?: string;
  dimensions?: number;
}

function checkedChoice(options: unknown): ModelChoice {
  if (options === undefined) return {};
  if (typeof options !== "object" || options === null) {
    throw new SafeTypeError(
      `Cannot create an embedding step: options must be an object, not ${options === null ? "null" : typeof options}`,
    );
  }
  checkOptions("create an embedding step", options, ["model", "dimensions"]);
  const { model, dimensions } = options as { model?: unknown; dimensions?: unknown };
  if (model !== undefined && typeof model !== "string") {
    throw new SafeTypeError(`Cannot create an embedding step: model must be a string, not ${typeof model}`);
  }
  if (dimensions !== undefined && !(NumberIsInteger(dimensions) && (dimensions as number) > 0)) {
    const text = "Cannot create an embedding step: dimensions must be a whole number of at least 1";
    throw guestError("ValidationError", text);
  }
  return {
    ...(model === undefined ? {} : { model }),
    ...(dimensions === undefined ? {} : { dimensions: dimensions as number }),
  };
}

/** `embeddings.createStep({model, dimensions}?)`: a string gives one vector, an array one result for each element. */
function createStep(options?: unknown): StepObject {
  const choice = checkedChoice(options);
  const outputType = "Float32Array";
  const many: StepBinding = {
    step: "embeddings",
    type: "embedding",
    inputType: "string[]",
    outputType,
    kind: "list",
    toInput: (texts) => ({ ...choice, texts: checkedTexts(texts) }),
  };
  return createStepObject({
    step: "embedding",
    type: "embedding",
    inputType: "string",
    outputType,
    kind: "single",
    toInput: (text) => ({ ...choice, texts: [checkedText(text, "the input")] }),
    forInput(input) {
      return isArray(input) ? many : this;
    },
  });
}

/** `embeddings`: vectors from the host's provider, waited for, promised or by callback. */
export function installEmbeddings(): void {
  const signal = (options: unknown): ReturnType<typeof onlySignal> => onlySignal("embed", options);
  const generate = (texts: string[]): { texts: string[] } => ({ texts });
  defineGlobal(
    "embeddings",
    nameMembers({
      getModel: () => callSync(OPS.embedding_model, {}),
      generateEmbedding: (text: unknown) =>
        first(callBlocking(OPS.embedding_generate, generate([checkedText(text, "the text")]))),
      generateEmbeddingAsync: (text: unknown, options?: unknown) =>
        callWithSignal(OPS.embedding_generate, generate([checkedText(text, "the text")]), signal(options), first),
      generateEmbeddings: (texts: unknown, options?: unknown) =>
        callWithSignal(OPS.embedding_generate, generate(checkedTexts(texts)), signal(options), (vectors) => vectors),
      generateEmbeddingWithCallbacks: generateWithCallbacks,
      cosineSimilarity,
      createStep,
    }),
  );
}
