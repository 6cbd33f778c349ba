import { existsSync } from "node:fs";
import { basename } from "node:path";
import type { FetchSource } from "../../fetch/fetch-source.ts";
import type { McpSource } from "../../mcp/mcp-source.ts";
import type { ChatProvider } from "../../providers/chat-provider.ts";
import type { EmbeddingProvider } from "../../providers/embedding-provider.ts";
import { appendRecordings, compactCassette } from "../../recordings/cassette/cassette-file.ts";
import { Cassette } from "../../recordings/cassette/cassette.ts";
import { recordingEmbeddings, replayingEmbeddings } from "../../recordings/cassette/recording-embeddings.ts";
import { recordingFetch } from "../../recordings/cassette/recording-fetch.ts";
import { replayingFetch } from "../../recordings/cassette/replaying-fetch.ts";
import { describeMcpRequest } from "../../recordings/cassette/mcp-recording.ts";
import { recordingMcp } from "../../recordings/cassette/recording-mcp.ts";
import { recordingProvider } from "../../recordings/cassette/recording-provider.ts";
import {
  isEmbeddingRecording,
  isFetchRecording,
  isMcpRecording,
  type Recording,
} from "../../recordings/cassette/recording.ts";
import { replayingMcp } from "../../recordings/cassette/replaying-mcp.ts";
import { replayingProvider } from "../../recordings/cassette/replaying-provider.ts";
import type { Redact } from "../../recordings/redact-secrets.ts";
import { GeppettoError } from "../../shared/errors.ts";

export interface TestCassetteOptions {
  redact: Redact;
  /** May models be asked for what the cassette lacks? What they answer is then recorded. */
  mayAsk: boolean;
  /** Is what the embedded models answer recorded too, where there is no cassette yet? It is the same every time anyway. */
  keepsEmbedded: boolean;
}

/** What an engine is to put around what it asks. */
export interface ModelWraps {
  wrap: (provider: ChatProvider) => ChatProvider;
  wrapEmbeddings: (provider: EmbeddingProvider) => EmbeddingProvider;
  wrapFetch: (network: FetchSource) => FetchSource;
  wrapMcp: (servers: McpSource) => McpSource;
}

const EMBEDDED = "embedded";
const SILENT = { warn: () => {}, error: () => {} };

/**
 * The cassette of one test. Models answer from it; what it lacks they are asked for, where that is allowed, and what they
 * answer is kept in memory until it is saved.
 */
export class TestCassette {
  readonly file: string;
  /** What the file held. */
  readonly found: readonly Recording[];
  readonly #options: TestCassetteOptions;
  readonly #isThere: boolean;
  readonly #own: Cassette;
  readonly #served = new Set<string>();

  private constructor(file: string, found: Cassette, options: TestCassetteOptions) {
    this.file = file;
    this.found = found.recordings;
    this.#options = options;
    this.#isThere = existsSync(file);
    this.#own = Cassette.inMemory([], { redact: options.redact });
  }

  /**
   * Reads a cassette; a file that is not there is an empty one.
   *
   * @throws {GeppettoError} ReplayError ("ERR_CASSETTE") for a file that is not a cassette, is damaged, too large, or was
   *   made by a newer version.
   */
  static async open(file: string, options: TestCassetteOptions): Promise<TestCassette> {
    const problems: string[] = [];
    const logger = {
      warn: (text: string) => void problems.push(text),
      error: (text: string) => void problems.push(text),
    };
    let found: Cassette;
    try {
      found = await Cassette.open(file, { readOnly: true, redact: options.redact, logger });
    } catch (error) {
      if (error instanceof GeppettoError) throw error;
      throw cassetteError(file, (error as Error).message);
    }
    const [problem] = problems;
    if (problem !== undefined) throw cassetteError(file, problem.replace(/^Skipping (.*?) of .*?: /, "$1, "));
    return new TestCassette(file, found, options);
  }

  /** What was asked for and recorded since, in the order in which it was asked. A key that was missing does not count as an answer. */
  get recorded(): Recording[] {
    return this.#own.recordings.filter(({ error }) => error?.name !== "ConfigError");
  }

  /** Have only embedded models been recorded, in a cassette that is new? */
  get isEmbeddedOnly(): boolean {
    const { recorded } = this;
    const areEmbedded = recorded.length > 0 && recorded.every(({ request }) => request.provider === EMBEDDED);
    return areEmbedded && !this.#isThere;
  }

  /** Recordings of the file that nobody has asked for. */
  get unused(): Recording[] {
    return this.found.filter(({ id }) => !this.#served.has(id));
  }

  /** For the next run: answers stand in the cassette in the order in which they are given. */
  wraps({ isReplay = false } = {}): ModelWraps {
    const { redact, mayAsk } = this.#options;
    const cassette = Cassette.inMemory(isReplay ? [...this.found, ...this.recorded] : this.found, {
      redact,
      logger: SILENT,
      name: basename(this.file),
    });
    const onServe = ({ id }: Recording): void => void this.#served.add(id);
    const asks = mayAsk && !isReplay;
    return {
      wrap: (provider) => {
        if (this.#isLeftAlone(provider)) return provider;
        const otherwise = asks ? { otherwise: recordingProvider(provider, this.#own) } : {};
        return replayingProvider(cassette, { name: provider.name, onServe, ...otherwise });
      },
      wrapEmbeddings: (provider) => {
        if (this.#isLeftAlone(provider)) return provider;
        const otherwise = asks ? { otherwise: recordingEmbeddings(provider, this.#own) } : {};
        return replayingEmbeddings(provider, cassette, { onServe, ...otherwise });
      },
      wrapFetch: (network) => {
        const otherwise = asks ? { otherwise: recordingFetch(network, this.#own) } : {};
        return replayingFetch(network, cassette, { onServe, ...otherwise });
      },
      wrapMcp: (servers) => {
        const otherwise = asks ? { otherwise: recordingMcp(servers, this.#own) } : {};
        return replayingMcp(servers, cassette, { onServe, ...otherwise });
      },
    };
  }

  /**
   * Adds what was recorded to the file, all of it or nothing.
   *
   * @throws {Error} the file system's, where it cannot be written.
   */
  async save(): Promise<void> {
    if (this.recorded.length > 0) await appendRecordings(this.file, this.recorded, SILENT);
  }

  /** Takes out of the file what nobody has asked for. */
  async removeUnused(): Promise<void> {
    const unused = new Set(this.unused.map(({ id }) => id));
    await compactCassette(this.file, ({ id }) => !unused.has(id));
  }

  /** The embedded models give the same every time, and ask nobody: they need no cassette. */
  #isLeftAlone({ name }: { name: string }): boolean {
    return name === EMBEDDED && !this.#isThere && !this.#options.keepsEmbedded;
  }
}

/** What a recording is called in a list: "openai:gpt-5-mini, the request that ends with …". */
export function describeRecording(recording: Recording): string {
  const { provider, model, messages, texts, method, url } = recording.request;
  if (isFetchRecording(recording)) return `${String(method)} ${String(url).slice(0, 100)}`;
  if (isMcpRecording(recording)) return describeMcpRequest(recording.request).slice(0, 100);
  const last = isEmbeddingRecording(recording)
    ? (texts as unknown[]).at(0)
    : (messages as { content?: unknown }[] | undefined)?.at(-1)?.content;
  const text = (typeof last === "string" ? JSON.stringify(last) : JSON.stringify(last ?? null)) ?? "";
  return `${provider}:${model} ${text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text}`;
}

function cassetteError(file: string, problem: string): GeppettoError {
  return new GeppettoError("ReplayError", `Cannot use the cassette ${basename(file)}: ${problem}`, {
    code: "ERR_CASSETTE",
  });
}
