import type { ReadBuffer } from "@modelcontextprotocol/client";
import { ByteBuffer } from "../../base/bytes/byte-buffer.ts";
import { MessageSize, type Traffic } from "./message-size.ts";

const LF = 10;
/** What a line costs that holds nothing, in bytes of text that cost as much. */
const LINE_WEIGHT = 100;

/** A message that has come whole. */
type Message = NonNullable<ReturnType<ReadBuffer["readMessage"]>>;

/**
 * The lines of a program, each a message, in place of the package's own reader. It counts before it parses, reads in time
 * that grows with the bytes alone, however they are cut, and tells of lines that are not JSON.
 */
export class MessageLines implements Pick<ReadBuffer, "append" | "readMessage" | "clear"> {
  readonly #parse: (line: string) => Message;
  readonly #traffic: Traffic;
  readonly #pending = new ByteBuffer();
  #size = new MessageSize();
  /** Those of the last chunk that are not read yet, the last one first. */
  #lines: string[] = [];
  #isBroken = false;

  constructor(parse: (line: string) => Message, traffic: Traffic) {
    this.#parse = parse;
    this.#traffic = traffic;
  }

  /** @throws {Error} where a line is too large, or all of them are too many. */
  append(chunk: Buffer): void {
    if (this.#isBroken) return;
    const lines: string[] = [];
    try {
      for (let start = 0; start < chunk.length;) {
        const at = chunk.indexOf(LF, start);
        const piece = chunk.subarray(start, at < 0 ? chunk.length : at);
        this.#size.add(piece);
        this.#pending.add(piece);
        if (at < 0) break;
        this.#traffic.add(this.#size.weight + LINE_WEIGHT);
        this.#size = new MessageSize();
        const line = this.#pending.takeText().replace(/\r$/, "");
        if (line !== "") lines.push(line);
        start = at + 1;
      }
    } catch (error) {
      // What follows is not where a message begins.
      this.#isBroken = true;
      this.clear();
      throw error;
    }
    this.#lines = [...lines.toReversed(), ...this.#lines];
  }

  /** @throws {Error} for a line that is not a message. */
  readMessage(): Message | null {
    const line = this.#lines.pop();
    return line === undefined ? null : this.#parse(line);
  }

  clear(): void {
    this.#pending.clear();
    this.#lines = [];
    this.#size = new MessageSize();
  }
}
