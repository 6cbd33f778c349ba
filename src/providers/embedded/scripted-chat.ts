import type { ToolCall } from "../../shared/chat-messages.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { timeSource } from "../../base/time-source.ts";
import type { ChatChunk, ChatProvider, ChatRequest, StopReason, Usage } from "../chat-provider.ts";

/** One answer of a {@link ScriptedChat}. Its parts come in the order of these fields. */
export interface ScriptedTurn {
  /** Thoughts, which no partial shows. */
  reasoning?: string;
  /** The text; a list is one delta each, a string one delta per word. */
  text?: string | readonly string[];
  toolCalls?: readonly ToolCall[];
  /** Thrown after the text and the calls, in place of an end. */
  error?: Error;
  stopReason?: StopReason;
  usage?: Usage;
  /** A pause before every delta; default none. */
  delayMs?: number;
}

/**
 * A chat model for tests: answers with the turns it was given, one for each request, and keeps the requests. A turn may
 * be made from its request.
 *
 * @example
 * const model = new ScriptedChat([{ text: "Hello" }, ({ messages }) => ({ text: `You said ${messages.length} things` })]);
 */
export class ScriptedChat implements ChatProvider {
  readonly name = "scripted";
  /** What was asked, in order. */
  readonly requests: ChatRequest[] = [];
  readonly #turns: readonly (ScriptedTurn | ((request: ChatRequest) => ScriptedTurn))[];

  constructor(turns: readonly (ScriptedTurn | ((request: ChatRequest) => ScriptedTurn))[]) {
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
    const turn = typeof given === "function" ? given(request) : given;
    for (const chunk of chunksOf(turn)) {
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

function* chunksOf({ reasoning, text = [], toolCalls = [] }: ScriptedTurn): Generator<ChatChunk, void, undefined> {
  if (reasoning) yield { type: "reasoning", delta: reasoning };
  const deltas = typeof text === "string" ? (text.match(/^\s+$|\s*\S+\s*/g) ?? []) : text;
  for (const delta of deltas) if (delta !== "") yield { type: "text", delta };
  for (const toolCall of toolCalls) yield { type: "tool-call", toolCall };
}
