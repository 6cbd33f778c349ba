import { GeppettoError } from "../../shared/errors.ts";
import type { ChatChunk } from "../chat-provider.ts";
import { type Piece, ThinkSplitter } from "./think-splitter.ts";
import { WholeText } from "./whole-text.ts";

/** Most of an answer, in UTF-16 units: text, reasoning, refusal and arguments together. */
const MAX_ANSWER_CHARS = 4 * 1024 * 1024;
/** Most tool calls in one answer. */
export const MAX_CALLS = 256;
/** Longest delta that is handed on in one piece, in UTF-16 units. */
const MAX_DELTA_CHARS = 65_536;

const NONE: readonly ChatChunk[] = [];

/** An answer that goes beyond what the host takes of one; asking again would give as much again. */
export function tooLarge(provider: string, text: string): GeppettoError {
  return new GeppettoError("ProviderError", `${provider}: the answer is too large: ${text}`, {
    code: "ERR_ANSWER_TOO_LARGE",
  });
}

/** The texts of one answer: whole characters, reasoning apart from text, in pieces of a bearable size, bounded in all. */
export class AnswerText {
  readonly #provider: string;
  readonly #text = new WholeText();
  readonly #reasoning = new WholeText();
  readonly #thoughts = new ThinkSplitter();
  #chars = 0;
  /** Has any text come? */
  hasText = false;
  /** Has the model refused? */
  hasRefused = false;

  constructor(provider: string) {
    this.#provider = provider;
  }

  add(delta: unknown): readonly ChatChunk[] {
    if (typeof delta !== "string" || delta === "") return NONE;
    this.count(delta.length);
    this.hasText = true;
    return chunksOf(this.#thoughts.push(this.#text.push(delta)));
  }

  addReasoning(delta: unknown): readonly ChatChunk[] {
    if (typeof delta !== "string" || delta === "") return NONE;
    this.count(delta.length);
    return chunksOf([{ type: "reasoning", delta: this.#reasoning.push(delta) }]);
  }

  addRefusal(delta: unknown): readonly ChatChunk[] {
    if (typeof delta !== "string" || delta === "") return NONE;
    this.count(delta.length);
    this.hasRefused = true;
    return [{ type: "refusal", delta }];
  }

  /** What was held back. */
  flush(): readonly ChatChunk[] {
    return [
      ...chunksOf([{ type: "reasoning", delta: this.#reasoning.flush() }]),
      ...chunksOf(this.#thoughts.push(this.#text.flush())),
      ...chunksOf(this.#thoughts.flush()),
    ];
  }

  /** @throws {GeppettoError} ProviderError ERR_ANSWER_TOO_LARGE when the answer has become longer than anybody takes. */
  count(chars: number): void {
    this.#chars += chars;
    if (this.#chars > MAX_ANSWER_CHARS)
      throw tooLarge(this.#provider, `it has more than ${MAX_ANSWER_CHARS} characters`);
  }
}

/** The pieces, none longer than {@link MAX_DELTA_CHARS}. */
function chunksOf(pieces: readonly Piece[]): readonly ChatChunk[] {
  if (pieces.every(({ delta }) => delta !== "" && delta.length <= MAX_DELTA_CHARS)) return pieces;
  const chunks: ChatChunk[] = [];
  for (const { type, delta } of pieces) {
    for (let start = 0; start < delta.length;) {
      let end = Math.min(delta.length, start + MAX_DELTA_CHARS);
      const last = delta.charCodeAt(end - 1);
      // A cut must not fall between the halves of a character.
      if (end < delta.length && last >= 0xd800 && last <= 0xdbff) end--;
      chunks.push({ type, delta: delta.slice(start, end) });
      start = end;
    }
  }
  return chunks;
}
