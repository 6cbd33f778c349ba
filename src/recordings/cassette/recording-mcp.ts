import { outsideValues, timeSource } from "../../base/time/time-source.ts";
import type { McpSource, ToldPart } from "../../mcp/mcp-source.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { redactAll, type Redact } from "../redact-secrets.ts";
import { AnswerTimes } from "./answer-times.ts";
import { toRecordedCall, toRecordedQuestion } from "./mcp-recording.ts";
import type { RecordedRequest } from "./recorded-request.ts";
import { toRecordedFailure, type Finished, type McpRecording, type RecordingSink } from "./recording.ts";

/** Most of one answer that is recorded, in characters of JSON. */
const MAX_CHARS = 16_000_000;

/**
 * What asks MCP servers for scripts, and records what comes: what a tool gives or fails with, what its server tells
 * meanwhile, and what servers say of themselves. What a script may not use is not recorded.
 *
 * @example
 * setupMcp({ servers, wrapMcp: (source) => recordingMcp(source, cassette) });
 */
export function recordingMcp(source: McpSource, cassette: RecordingSink): McpSource {
  return {
    servers: source.servers,
    isRecorded: source.isRecorded === true,
    effectOf: (call, signal) => source.effectOf(call, signal),
    async *call(call, signal) {
      const answer = new RecordedAnswer(toRecordedCall(call, cassette.redact), cassette, signal);
      try {
        for await (const part of outsideValues(source.call(call, signal))) {
          await answer.arrived();
          if ("result" in part) await answer.complete(part.result);
          else answer.told(part);
          yield part;
        }
      } catch (error) {
        await answer.fail(error);
        throw error;
      } finally {
        await answer.interrupt();
      }
    },
    async ask(question, signal) {
      const answer = new RecordedAnswer(toRecordedQuestion(question, cassette.redact), cassette, signal);
      try {
        const value = await timeSource().outside(() => source.ask(question, signal));
        await answer.arrived();
        await answer.complete(value);
        return value;
      } catch (error) {
        await answer.fail(error);
        throw error;
      }
    },
  };
}

/** One request and what comes of it, while it is recorded. */
class RecordedAnswer {
  readonly #request: RecordedRequest;
  readonly #cassette: RecordingSink;
  readonly #signal: AbortSignal;
  readonly #add: (recording: Finished<McpRecording>) => Promise<void>;
  readonly #times: AnswerTimes;
  readonly #told: ToldPart[] = [];
  #chars = 0;
  #isOver = false;

  constructor(request: RecordedRequest, cassette: RecordingSink, signal: AbortSignal) {
    this.#request = request;
    this.#cassette = cassette;
    this.#signal = signal;
    this.#add = cassette.claim<McpRecording>({ request, stepId: "" });
    this.#times = new AnswerTimes(cassette);
  }

  /** Resolves when what has come may be handed over, which is to be done at once. */
  arrived(): Promise<void> {
    return this.#times.next(this.#signal);
  }

  told(part: ToldPart): void {
    this.#chars += JSON.stringify(part).length;
    if (this.#chars <= MAX_CHARS) this.#told.push(part);
  }

  complete(value: unknown): Promise<void> {
    return this.#record({ value, end: "complete" });
  }

  async fail(error: unknown): Promise<void> {
    if (this.#isOver) return;
    if (this.#signal.aborted) return this.interrupt();
    await this.arrived();
    await this.#record({ end: "error", error: toRecordedFailure(error, this.#cassette.redact) });
  }

  /** Whoever asked wants no more. */
  interrupt(): Promise<void> {
    return this.#record({ end: "interrupted" });
  }

  async #record(outcome: Pick<McpRecording, "value" | "end" | "error">): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const { redact } = this.#cassette;
    const isTooLong = this.#chars > MAX_CHARS;
    const { value, ...how } = isTooLong ? tooLong() : outcome;
    const clean = redactAll(value, redact, "value", { names: true });
    const recording = {
      request: this.#request,
      told: isTooLong ? [] : this.#told.map((part) => redactTold(part, redact)),
      ...(clean === undefined ? {} : { value: clean }),
      ...this.#times.end(),
      ...how,
    };
    await this.#times.write(this.#add(recording));
  }
}

function redactTold(part: ToldPart, redact: Redact): ToldPart {
  const clean = redactAll(part, redact, "told");
  if (clean.type !== "log") return clean;
  return { ...clean, log: { ...clean.log, data: redactAll(clean.log.data, redact, "told.data", { names: true }) } };
}

function tooLong(): Pick<McpRecording, "value" | "end" | "error"> {
  const message = `Cannot replay an answer: what its server told was larger than ${MAX_CHARS / 1_000_000} MB, and was not recorded`;
  const error = new GeppettoError("ReplayError", message, { code: "ERR_REPLAY_MISS" });
  return { end: "error", error: toRecordedFailure(error, (text) => text) };
}
