import type { ToolCall } from "../../shared/chat-messages.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { timeSource } from "../../base/time/time-source.ts";
import type { ChatChunk, ChatProvider, ChatRequest, StopReason, Usage } from "../chat-provider.ts";

/** One answer of a {@link ScriptedChat}. Its parts come in the order of these fields. */
export interface ScriptedTurn {
  /** Thoughts, which no partial shows. */
  reasoning?: string;
  /** The text; a list is one delta each, a string one delta per word. */
  text?: string | readonly string[];
  /** Without an id it is "call-1" and so on, counted over all turns. */
  toolCalls?: readonly (Omit<ToolCall, "id"> & { id?: string })[];
  /** Thrown after the text and the calls, in place of an end. */
  error?: Error;
  stopReason?: StopReason;
  usage?: Usage;
  /** A pause before every delta; default none. */
  delayMs?: number;
}

/** A turn; a text, a list of deltas or an error stands for one with nothing else; a function makes one from the request. */
export type ScriptedTurnSource =
  | ScriptedTurn
  | string
  | readonly string[]
  | Error
  | ((request: ChatRequest) => ScriptedTurn | string);

/**
 * A chat model for tests: answers with the turns it was given, one for each request, and keeps the requests.
 *
 * @example
 * const model = new ScriptedChat(["Hello", ({ messages }) => `You said ${messages.length} things`, new Error("gone")]);
 */
export class ScriptedChat implements ChatProvider {
  readonly name = "scripted";
  /** What was asked, in order. */
  readonly requests: ChatRequest[] = [];
  readonly #turns: readonly ScriptedTurnSource[];
  #calls = 0;

  constructor(turns: readonly ScriptedTurnSource[]) {
    this.#turns = turns;
  }

  /** @throws {GeppettoError} ProviderError ERR_SCRIPT_EXHAUSTED when there are no turns left. */
  async *stream(request: ChatRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ChatChunk, void, undefined> {
    signal.throwIfAborted();
    const place = this.requests.push(request) - 1;
    const given = this.#turns[place];
    if (given === undefined) {
      const count = this.#turns.length;
      throw new GeppettoError("ProviderError", `scripted: request ${place + 1} has no turn: the script has ${count}`, {
        code: "ERR_SCRIPT_EXHAUSTED",
      });
    }
    const turn = toTurn(typeof given === "function" ? given(request) : given);
    for (const chunk of chunksOf(turn, () => `call-${++this.#calls}`)) {
      await timeSource().sleep(turn.delayMs ?? 0, signal);
      signal.throwIfAborted();
      yield chunk;
    }
    signal.throwIfAborted();
    if (turn.error !== undefined) throw turn.error;
    const { toolCalls = [], stopReason = toolCalls.length > 0 ? "tool-calls" : "stop", usage } = turn;
    const engine = request.model || "scripted";
    yield { type: "end", stopReason, providerStopReason: stopReason, engine, ...(usage ? { usage } : {}) };
  }
}

function toTurn(given: Exclude<ScriptedTurnSource, (request: ChatRequest) => unknown>): ScriptedTurn {
  if (typeof given === "string" || isDeltas(given)) return { text: given };
  return given instanceof Error ? { error: given } : given;
}

function isDeltas(given: object): given is readonly string[] {
  return Array.isArray(given);
}

function* chunksOf(
  { reasoning, text = [], toolCalls = [] }: ScriptedTurn,
  newId: () => string,
): Generator<ChatChunk, void, undefined> {
  if (reasoning) yield { type: "reasoning", delta: reasoning };
  const deltas = typeof text === "string" ? (text.match(/^\s+$|\s*\S+\s*/g) ?? []) : text;
  for (const delta of deltas) if (delta !== "") yield { type: "text", delta };
  for (const { id = newId(), ...call } of toolCalls) yield { type: "tool-call", toolCall: { id, ...call } };
}
