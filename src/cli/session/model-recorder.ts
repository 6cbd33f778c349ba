import { existsSync } from "node:fs";
import {
  Cassette,
  GeppettoError,
  recordingEmbeddings,
  recordingFetch,
  recordingMcp,
  recordingProvider,
  replayingEmbeddings,
  replayingFetch,
  replayingMcp,
  replayingProvider,
  type ChatProvider,
  type EmbeddingProvider,
  type FetchSource,
  type LoggedCall,
  type McpSource,
  type Recording,
  type Redact,
} from "../../index.ts";
import { reasonOf } from "../../files.ts";
import { CallNotes } from "./call-notes.ts";
import { EXIT } from "../output/exit-codes.ts";
import { shortPath } from "../output/short-path.ts";
import { UsageError } from "../options/usage-error.ts";

export interface ModelRecorderOptions {
  /** A cassette to add the answers to. */
  record?: string | undefined;
  /** A cassette, or recordings, to take the answers from; nobody is asked then. */
  replay?: string | readonly Recording[] | undefined;
  /** Hears of each request, for the log, when it is made and when it is answered. */
  onCall?: ((call: LoggedCall) => void) | undefined;
  /** Takes out of them what is not to be kept. */
  redact: Redact;
  warn: (text: string) => void;
}

/** Answers that are kept of one run; one that asks more often can be replayed as far as these go. */
const MAX_KEPT = 1_000;
/** Numbers of vectors that are kept of one run; each is about six characters in the log. */
const MAX_KEPT_NUMBERS = 2_000_000;
/** What the vectors of a model are taken to have that has not said. */
const UNKNOWN_DIMENSIONS = 3072;

/** What models answer in one run: recorded in a cassette, replayed from one, and kept for the log. */
export class ModelRecorder {
  #record: Cassette | undefined;
  #replay: Cassette | undefined;
  readonly #notes: CallNotes | undefined;
  /** Are answers taken from a cassette, and not from the log? */
  #isFileReplayed = false;
  #count = 0;
  #numbers = 0;
  #misses = 0;
  /** The first request that had no recorded answer, as the error that it got. */
  firstMiss: Error | undefined;

  private constructor({ onCall, redact }: ModelRecorderOptions) {
    this.#notes = onCall && new CallNotes(onCall, redact);
  }

  /**
   * Opens the cassettes.
   *
   * @throws {UsageError} for a file to replay that is not there, or a cassette that cannot be read.
   */
  static async open(options: ModelRecorderOptions): Promise<ModelRecorder> {
    const recorder = new ModelRecorder(options);
    const { record, replay } = options;
    if (record !== undefined) recorder.#record = await openCassette(record, options, "record");
    if (typeof replay === "string") {
      if (!existsSync(replay))
        throw new UsageError(`Cannot replay ${shortPath(replay)}: there is no such file`, EXIT.noFile);
      recorder.#replay = await openCassette(replay, options, "replay");
      recorder.#isFileReplayed = true;
    } else if (replay !== undefined) {
      recorder.#replay = Cassette.inMemory(replay, { name: "the run" });
    }
    return recorder;
  }

  /** What is to be put around each chat provider. */
  readonly wrap = (provider: ChatProvider): ChatProvider => {
    if (this.#isOff) return provider;
    const replay = this.#replay;
    const source = replay === undefined ? provider : replayingProvider(replay, { name: provider.name });
    const recorded = this.#record === undefined ? source : recordingProvider(source, this.#record);
    const kept = this.#notes === undefined ? recorded : recordingProvider(recorded, this.#notes);
    const choose = (): ChatProvider => (this.#keeps(0) ? kept : recorded);
    const note = (error: unknown): unknown => this.#note(error);
    return {
      name: provider.name,
      async *stream(request, options) {
        try {
          yield* choose().stream(request, options);
        } catch (error) {
          throw note(error);
        }
      },
    };
  };

  /** What is to be put around each provider of embeddings. */
  readonly wrapEmbeddings = (provider: EmbeddingProvider): EmbeddingProvider => {
    if (this.#isOff) return provider;
    const replay = this.#replay;
    const source = replay === undefined ? provider : replayingEmbeddings(provider, replay);
    const recorded = this.#record === undefined ? source : recordingEmbeddings(source, this.#record);
    const kept = this.#notes === undefined ? recorded : recordingEmbeddings(recorded, this.#notes);
    return {
      name: provider.name,
      model: () => source.model(),
      embed: async (texts, options) => {
        const numbers = texts.length * (source.model().dimensions || UNKNOWN_DIMENSIONS);
        try {
          return await (this.#keeps(numbers) ? kept : recorded).embed(texts, options);
        } catch (error) {
          throw this.#note(error);
        }
      },
      close: () => provider.close(),
    };
  };

  /** What is to be put around what asks servers for scripts. The log has their answers in the run's journal. */
  readonly wrapFetch = (network: FetchSource): FetchSource => {
    const { isReplayed, recorded } = this.#around(network, replayingFetch, recordingFetch);
    if (!isReplayed) return recorded;
    return {
      check: (request) => recorded.check(request),
      send: async (request, signal) => {
        try {
          return await recorded.send(request, signal);
        } catch (error) {
          throw this.#note(error);
        }
      },
    };
  };

  /** The same for what asks MCP servers. */
  readonly wrapMcp = (servers: McpSource): McpSource => {
    const { isReplayed, recorded } = this.#around(servers, replayingMcp, recordingMcp);
    if (!isReplayed) return recorded;
    const note = (error: unknown): unknown => this.#note(error);
    return {
      ...recorded,
      async *call(call, signal) {
        try {
          yield* recorded.call(call, signal);
        } catch (error) {
          throw note(error);
        }
      },
      ask: (question, signal) =>
        recorded.ask(question, signal).catch((error: unknown) => {
          throw note(error);
        }),
    };
  };

  /** How many requests had no recorded answer. */
  get misses(): number {
    return this.#misses;
  }

  /** Why some of the answers are not in the cassette; undefined where all are. */
  get failure(): string | undefined {
    const { failure, name } = this.#record ?? {};
    return failure && `Cannot keep every answer in ${name}: ${reasonOf({ code: failure, message: failure })}`;
  }

  /** Resolves when the cassette is written. */
  async close(): Promise<void> {
    await this.#record?.close();
  }

  /** What is outside as a cassette has it, where one is replayed, and recorded where that is asked for. */
  #around<T>(
    outside: T,
    replaying: (outside: T, cassette: Cassette) => T,
    recording: (outside: T, cassette: Cassette) => T,
  ): { isReplayed: boolean; recorded: T } {
    const replay = this.#isFileReplayed ? this.#replay : undefined;
    const source = replay === undefined ? outside : replaying(outside, replay);
    return {
      isReplayed: replay !== undefined,
      recorded: this.#record === undefined ? source : recording(source, this.#record),
    };
  }

  get #isOff(): boolean {
    return this.#record === undefined && this.#replay === undefined && this.#notes === undefined;
  }

  /** Is there room for one more answer in the log? */
  #keeps(numbers: number): boolean {
    if (this.#count >= MAX_KEPT || this.#numbers + numbers > MAX_KEPT_NUMBERS) return false;
    this.#count++;
    this.#numbers += numbers;
    return true;
  }

  #note(error: unknown): unknown {
    if ((error as { code?: unknown }).code !== "ERR_REPLAY_MISS") return error;
    this.#misses++;
    this.firstMiss ??= error as Error;
    return error;
  }
}

async function openCassette(
  file: string,
  { warn, redact }: ModelRecorderOptions,
  purpose: "record" | "replay",
): Promise<Cassette> {
  const logger = { warn, error: warn };
  try {
    return await Cassette.open(file, { readOnly: purpose === "replay", logger, redact });
  } catch (error) {
    const what = purpose === "replay" ? "Cannot replay" : "Cannot record to";
    if (error instanceof GeppettoError && error.code === "ERR_CASSETTE") {
      throw new UsageError(error.message, EXIT.config, error.code);
    }
    const exitCode = purpose === "replay" ? EXIT.noFile : EXIT.output;
    throw new UsageError(`${what} ${shortPath(file)}: ${reasonOf(error)}`, exitCode);
  }
}
