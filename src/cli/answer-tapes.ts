import { existsSync } from "node:fs";
import { Cassette, recordingProvider, replayingProvider, type ChatProvider, type Recording } from "../index.ts";
import { reasonOf } from "./event-log.ts";
import { EXIT } from "./exit-codes.ts";
import { shortPath } from "./short-path.ts";
import { UsageError } from "./usage-error.ts";

export interface AnswerTapesOptions {
  /** A cassette to add the answers to. */
  record?: string | undefined;
  /** A cassette, or recordings, to take the answers from; nobody is asked then. */
  replay?: string | readonly Recording[] | undefined;
  /** Are answers to be kept for the log? */
  keep: boolean;
  warn: (text: string) => void;
}

/** Answers that are kept of one run; one that asks more often can be replayed as far as these go. */
const MAX_KEPT = 1_000;

/** What models answer in one run: recorded in a cassette, replayed from one, and kept for the log. */
export class AnswerTapes {
  readonly #options: AnswerTapesOptions;
  #record: Cassette | undefined;
  #replay: Cassette | undefined;
  #kept: Cassette | undefined;
  #count = 0;
  #misses = 0;

  private constructor(options: AnswerTapesOptions) {
    this.#options = options;
  }

  /**
   * Opens the cassettes.
   *
   * @throws {UsageError} for a file to replay that is not there, or a cassette that cannot be read.
   */
  static async open(options: AnswerTapesOptions): Promise<AnswerTapes> {
    const tapes = new AnswerTapes(options);
    const { record, replay } = options;
    if (record !== undefined) tapes.#record = await openCassette(record, options, "Cannot record to");
    if (typeof replay === "string") {
      if (!existsSync(replay))
        throw new UsageError(`Cannot replay ${shortPath(replay)}: there is no such file`, EXIT.noFile);
      tapes.#replay = await openCassette(replay, options, "Cannot replay");
    } else if (replay !== undefined) {
      tapes.#replay = Cassette.inMemory(replay);
    }
    return tapes;
  }

  /** What is to be put around each provider. */
  readonly wrap = (provider: ChatProvider): ChatProvider => {
    const { record, replay, keep } = this.#options;
    if (record === undefined && replay === undefined && !keep) return provider;
    const taped = this.#tape(provider);
    const note = (error: unknown): void => {
      if ((error as { code?: unknown }).code === "ERR_REPLAY_MISS") this.#misses++;
    };
    return {
      name: provider.name,
      async *stream(request, options) {
        try {
          yield* taped.stream(request, options);
        } catch (error) {
          note(error);
          throw error;
        }
      },
    };
  };

  /** How many requests had no recorded answer. */
  get misses(): number {
    return this.#misses;
  }

  /** The answers that the log keeps. */
  get kept(): Recording[] {
    return this.#kept?.recordings ?? [];
  }

  /** Resolves when the cassette is written. */
  async close(): Promise<void> {
    await this.#record?.close();
  }

  #tape(provider: ChatProvider): ChatProvider {
    const replay = this.#replay;
    const source = replay === undefined ? provider : replayingProvider(replay, { name: provider.name });
    const recorded = this.#record === undefined ? source : recordingProvider(source, this.#record);
    if (!this.#options.keep) return recorded;
    this.#kept ??= Cassette.inMemory();
    const keeping = recordingProvider(recorded, this.#kept);
    return {
      name: provider.name,
      stream: (request, options) => (this.#count++ < MAX_KEPT ? keeping : recorded).stream(request, options),
    };
  }
}

async function openCassette(file: string, { warn }: AnswerTapesOptions, what: string): Promise<Cassette> {
  try {
    return await Cassette.open(file, { logger: { warn, error: warn } });
  } catch (error) {
    throw new UsageError(`${what} ${shortPath(file)}: ${reasonOf(error)}`, EXIT.noFile);
  }
}
