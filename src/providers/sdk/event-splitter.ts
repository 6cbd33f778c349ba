import { ByteBuffer } from "../../base/bytes/byte-buffer.ts";

/** Most bytes of one event of a stream, and of a body that is JSON: each is parsed at once, while everybody waits. */
export const MAX_EVENT_BYTES: number = 2 * 1024 * 1024;

const MAX_LINE_HEAD = 4096;
const LF = 10;
const CR = 13;
const COLON = 58;
const FIELD = /^(data|event|id|retry|error)\s?: ?|^:/i;
const BLANK_LINE = new Uint8Array([LF, LF]);
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** One event of a stream as it came, with what its lines say. */
export interface ServerEvent {
  bytes: Uint8Array;
  /** "" where the server gave none. */
  name: string;
  /** The beginning of its data. */
  data: string;
}

/**
 * Cuts a body into the events of a stream, each whole, and reads what SDKs keep to themselves. Works in time that is
 * linear in the bytes, however they are cut, and never holds more than one event.
 */
export class EventSplitter {
  /** Was there a `data: [DONE]` line? */
  sawDone = false;
  /** The text of the first `error:` field, which is not part of the standard. */
  errorField: string | undefined;
  /** The first line that is JSON and no field: some gateways end a stream with the body of an error. */
  strayJson: string | undefined;
  /** Was any line one of an event stream? */
  isEventStream = false;
  /** The first line that was not empty. */
  firstLine: string | undefined;
  readonly #pending = new ByteBuffer();
  readonly #head = new ByteBuffer();
  #lineBytes = 0;
  #isComment = false;
  /** A line ended with CR at the end of the last bytes: LF may still follow. */
  #afterCR = false;
  #name = "";
  #data = "";
  /** Has the event that is on its way any data, or is it an error? */
  #tells = false;
  #isFirst = true;

  /** The size of the event that is on its way. */
  get pendingBytes(): number {
    return this.#pending.length;
  }

  /** The events that these bytes complete. */
  push(given: Uint8Array): ServerEvent[] {
    const events: ServerEvent[] = [];
    let bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
    if (this.#isFirst && bytes.length > 0) {
      this.#isFirst = false;
      if (bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) bytes = bytes.subarray(3);
    }
    let eventStart = 0;
    let lineStart = 0;
    if (this.#afterCR && bytes[0] === LF) lineStart = 1;
    if (bytes.length > 0) this.#afterCR = false;
    let nextLF = bytes.indexOf(LF, lineStart);
    let nextCR = bytes.indexOf(CR, lineStart);
    while (nextLF >= 0 || nextCR >= 0) {
      const isCR = nextCR >= 0 && (nextLF < 0 || nextCR < nextLF);
      const lineEnd = isCR ? nextCR : nextLF;
      this.#addToLine(bytes, lineStart, lineEnd);
      lineStart = lineEnd + 1;
      if (isCR && bytes[lineStart] === LF) lineStart++;
      else if (isCR && lineStart === bytes.length) this.#afterCR = true;
      if (this.#endLine()) {
        // Blank lines, comments and empty data cost a server nothing, and tell nothing: they are passed over without a copy.
        if (this.#tells) events.push(this.#take(bytes.subarray(eventStart, lineStart)));
        else this.#passOver();
        eventStart = lineStart;
      }
      if (nextLF >= 0 && nextLF < lineStart) nextLF = bytes.indexOf(LF, lineStart);
      if (nextCR >= 0 && nextCR < lineStart) nextCR = bytes.indexOf(CR, lineStart);
    }
    this.#addToLine(bytes, lineStart, bytes.length);
    this.#pending.add(bytes.subarray(eventStart));
    return events;
  }

  /** What is left at the end of the body, as an event: it counts even where the server forgot the blank line after it. */
  flush(): ServerEvent | undefined {
    this.#endLine();
    return this.#tells ? this.#take(BLANK_LINE) : undefined;
  }

  /** The event that `last` completes. */
  #take(last: Uint8Array): ServerEvent {
    const event = { name: this.#name, data: this.#data };
    this.#name = "";
    this.#data = "";
    this.#tells = false;
    this.#pending.add(last);
    return { ...event, bytes: this.#pending.take() };
  }

  #passOver(): void {
    this.#name = "";
    this.#pending.clear();
  }

  #addToLine(bytes: Buffer, start: number, end: number): void {
    if (start === end) return;
    if (this.#lineBytes === 0) this.#isComment = bytes[start] === COLON;
    this.#lineBytes += end - start;
    if (this.#isComment && this.firstLine !== undefined) return;
    const room = MAX_LINE_HEAD - this.#head.length;
    if (room > 0) this.#head.add(bytes.subarray(start, Math.min(end, start + room)));
  }

  /** Reads the line that has ended; true for a blank one, which ends an event. */
  #endLine(): boolean {
    if (this.#lineBytes === 0) return true;
    this.#lineBytes = 0;
    if (this.#isComment && this.firstLine !== undefined) {
      this.isEventStream = true;
      return false;
    }
    const line = this.#head.takeText();
    this.firstLine ??= line.trim() || undefined;
    const field = FIELD.exec(line);
    if (field === null) {
      if (/^\s*[[{]/.test(line)) this.strayJson ??= line;
      return false;
    }
    this.isEventStream = true;
    const value = line.slice(field[0].length);
    const name = field[1]?.toLowerCase();
    if (name === "event") {
      this.#name = value.trim();
      this.#tells ||= this.#name === "error";
    } else if (name === "error") this.errorField ??= value.trim();
    else if (name === "data") {
      this.#data ||= value;
      this.#tells ||= value.trim() !== "";
      if (value.trim() === "[DONE]") this.sawDone = true;
    }
    return false;
  }
}
