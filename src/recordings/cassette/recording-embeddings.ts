import { timeSource } from "../../base/time/time-source.ts";
import type { EmbeddingModel, EmbeddingProvider } from "../../providers/embedding-provider.ts";
import { AnswerTimes } from "./answer-times.ts";
import type { Cassette } from "./cassette.ts";
import { endAsRecorded, RecordedAnswers, shownJson } from "./recorded-answers.ts";
import type { RecordedRequest } from "./recorded-request.ts";
import {
  isEmbeddingRecording,
  toRecordedFailure,
  timeOf,
  type EmbeddingRecording,
  type Finished,
  type RecordingSink,
} from "./recording.ts";
import { redactAll, type Redact } from "../redact-secrets.ts";
import type { ReplayOptions } from "./replaying-provider.ts";
import { fromVectorText, toVectorText } from "./vector-text.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

/**
 * A provider of embeddings that asks another and records what comes, failures too. To be put outside of caches, so that
 * what is recorded is what was asked for.
 *
 * @example
 * setupEmbeddings({ wrapEmbeddings: (provider) => recordingEmbeddings(provider, cassette) });
 */
export function recordingEmbeddings(provider: EmbeddingProvider, cassette: RecordingSink): EmbeddingProvider {
  return new RecordingEmbeddings(provider, cassette);
}

/**
 * A provider of embeddings that answers from a cassette: `provider` is asked what it is called and which model it has,
 * and never for vectors. A request, that is a list of texts, that was recorded several times gets its answers in order.
 *
 * `embed()` rejects with a `ReplayError` ("ERR_REPLAY_MISS") for texts that were not recorded: it names the nearest
 * recording and the first field that differs.
 */
export function replayingEmbeddings(
  provider: EmbeddingProvider,
  cassette: Cassette,
  options: EmbeddingReplayOptions = {},
): EmbeddingProvider {
  refuseWrong("replay", options, { repeats: true, otherwise: true, onServe: true });
  return new ReplayingEmbeddings(provider, cassette, options);
}

export interface EmbeddingReplayOptions extends Pick<ReplayOptions, "repeats" | "onServe"> {
  /** Is asked for what was not recorded; default nobody is. */
  otherwise?: EmbeddingProvider;
}

/** What both sides know of the provider that they stand for. */
abstract class CassetteEmbeddings<Source extends { redact: Redact }> implements EmbeddingProvider {
  readonly name: string;
  protected readonly inner: EmbeddingProvider;
  protected readonly cassette: Source;
  /** As it was at first: how many numbers a model gives that nobody knows may be found out at any time. */
  readonly #model: EmbeddingModel;

  constructor(inner: EmbeddingProvider, cassette: Source) {
    this.name = inner.name;
    this.inner = inner;
    this.cassette = cassette;
    this.#model = inner.model();
  }

  model(): EmbeddingModel {
    return this.inner.model();
  }

  abstract embed(texts: string[], options: { signal: AbortSignal }): Promise<Float32Array[]>;

  close(): Promise<void> {
    return this.inner.close();
  }

  protected requestFor(texts: readonly string[], redact: Redact): RecordedRequest {
    const { name: model, dimensions } = this.#model;
    const request = {
      provider: this.name,
      model,
      ...(dimensions > 0 ? { dimensions } : {}),
      // Providers take an empty text for a space.
      texts: texts.map((text) => text || " "),
    };
    return redactAll(request, redact, "request");
  }
}

class RecordingEmbeddings extends CassetteEmbeddings<RecordingSink> {
  async embed(texts: string[], { signal }: { signal: AbortSignal }): Promise<Float32Array[]> {
    const { redact } = this.cassette;
    const request = this.requestFor(texts, redact);
    const add = this.cassette.claim<EmbeddingRecording>({ request, stepId: "" });
    const times = new AnswerTimes(this.cassette);
    const record = (outcome: Omit<Finished<EmbeddingRecording>, "request" | "times">): Promise<void> =>
      times.write(add({ request, ...times.end(), ...outcome }));
    try {
      const vectors = await timeSource().outside(() => this.inner.embed(texts, { signal }));
      await times.next(signal);
      const dimensions = vectors[0]?.length ?? 0;
      await record({ dimensions, vectors: vectors.map(toVectorText), end: "complete" });
      return vectors;
    } catch (error) {
      const empty = { dimensions: 0, vectors: [] };
      if (signal.aborted) await record({ ...empty, end: "interrupted" });
      else {
        await times.next(signal);
        await record({ ...empty, end: "error", error: toRecordedFailure(error, redact) });
      }
      throw error;
    }
  }
}

class ReplayingEmbeddings extends CassetteEmbeddings<Cassette> {
  readonly #answers: RecordedAnswers<EmbeddingRecording>;
  readonly #otherwise: EmbeddingProvider | undefined;
  #dimensions = 0;

  constructor(
    inner: EmbeddingProvider,
    cassette: Cassette,
    { repeats = "repeat", otherwise, onServe }: EmbeddingReplayOptions,
  ) {
    super(inner, cassette);
    const what = "recorded embeddings";
    this.#otherwise = otherwise;
    this.#answers = new RecordedAnswers(cassette, isEmbeddingRecording, { repeats, what, describe, onServe });
  }

  override model(): EmbeddingModel {
    const model = super.model();
    return { ...model, dimensions: model.dimensions || this.#dimensions };
  }

  async embed(texts: string[], { signal }: { signal: AbortSignal }): Promise<Float32Array[]> {
    signal.throwIfAborted();
    const asked = this.requestFor(texts, this.cassette.redact);
    if (this.#otherwise !== undefined && !this.#answers.has(asked)) return this.#otherwise.embed(texts, { signal });
    const recording = this.#answers.next(asked);
    // As from a server: whoever cancels is heard.
    await timeSource().sleep(0, signal, timeOf(recording, 0));
    await endAsRecorded(recording, signal);
    const { vectors, dimensions } = recording;
    this.#dimensions = dimensions;
    return vectors.map((vector) => fromVectorText(vector, dimensions)!);
  }
}

function describe({ provider, model, texts }: RecordedRequest): string {
  const [first, ...more] = texts as string[];
  const others = more.length === 0 ? "" : ` and ${more.length} more`;
  return `the request to ${provider}:${model} for the vector of ${shownJson(JSON.stringify(first))}${others}`;
}
