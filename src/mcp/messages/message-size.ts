/** Largest message of a server, in bytes. */
export const MAX_MESSAGE_BYTES = 10_000_000;
/** Most values in one, counted in commas, colons and brackets, and how deep it may be nested. */
const MAX_VALUES = 250_000;
const MAX_LEVELS = 10_000;
/** Most fields of one object; those of a message itself, and of what it asks or answers, are few. */
const MAX_FIELDS = 20_000;
const MAX_OUTER_FIELDS = 1_000;
const OUTER_LEVELS = 2;
/** What reading a value costs, in bytes of text that cost as much. */
const BYTES_PER_VALUE = 20;

/** What a server may send that nobody has asked for: so much at once, and so much more each second; by weight. */
const BURST = 64_000_000;
const PER_SECOND = 4_000_000;
/** What it may send for each request more. */
const PER_REQUEST = MAX_MESSAGE_BYTES + MAX_VALUES * BYTES_PER_VALUE;

const LF = 10;
const CR = 13;
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const BACKSLASH = 92;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
/** By a byte: whether it is one of those above. All others count as bytes alone, and they are the most. */
const HAS_MEANING = new Uint8Array(256);
for (const byte of [LF, CR, QUOTE, COMMA, COLON, BACKSLASH, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE])
  HAS_MEANING[byte] = 1;

/** Counts what a message holds while it comes: one that would take long is not parsed at all. */
export class MessageSize {
  #bytes = 0;
  #values = 0;
  #level = 0;
  /** Of the objects that are open, the outermost first; lists have none. */
  readonly #fields: number[] = [];
  #isInText = false;
  #isEscaped = false;
  readonly #outerLevels: number;

  /** @param isMessage it is not a value of somebody's own */
  constructor({ isMessage = true } = {}) {
    this.#outerLevels = isMessage ? OUTER_LEVELS : 0;
  }

  /** What it takes to read the message, in bytes of text that take as much. */
  get weight(): number {
    return this.#bytes + this.#values * BYTES_PER_VALUE;
  }

  /**
   * More of the message.
   *
   * @throws {Error} that {@link faultOf} knows, where it is too much.
   */
  add(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes > MAX_MESSAGE_BYTES) throw tooLarge(MAX_MESSAGE_BYTES, "bytes");
    let isInText = this.#isInText;
    let isEscaped = this.#isEscaped;
    let values = this.#values;
    let level = this.#level;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (HAS_MEANING[byte] === 0) {
        isEscaped = false;
        continue;
      }
      if (isInText) {
        // No text of JSON goes on in the next line.
        if (byte === LF || byte === CR || (byte === QUOTE && !isEscaped)) isInText = false;
        isEscaped = byte === BACKSLASH && !isEscaped;
      } else if (byte === QUOTE) {
        isInText = true;
        isEscaped = false;
      } else if (byte === COMMA || byte === COLON) {
        values++;
        // Outside of all brackets a stream has its own.
        if (byte === COLON && level > 0) this.#addField(level);
      } else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
        values++;
        if (++level > MAX_LEVELS) throw tooLarge(MAX_LEVELS, "levels");
        this.#fields[level] = 0;
      } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) level--;
    }
    if (values > MAX_VALUES) throw tooLarge(MAX_VALUES, "values");
    this.#isInText = isInText;
    this.#isEscaped = isEscaped;
    this.#values = values;
    this.#level = level;
  }

  #addField(level: number): void {
    const most = level <= this.#outerLevels ? MAX_OUTER_FIELDS : MAX_FIELDS;
    const count = (this.#fields[level] ?? 0) + 1;
    if (count > most) throw tooLarge(most, "fields");
    this.#fields[level] = count;
  }
}

/** Is it more than would be read of a server? */
export function isTooLarge(text: string): boolean {
  try {
    new MessageSize({ isMessage: false }).add(Buffer.from(text));
    return false;
  } catch {
    return true;
  }
}

/** What all messages of a server weigh together, those that nobody can read too. */
export class Traffic {
  #room = BURST;
  #lastTime = performance.now();

  /** Something has been asked, which may be answered. */
  noteRequest(): void {
    this.#room += PER_REQUEST;
  }

  /** @throws {Error} that {@link faultOf} knows, where it is more than has been asked for. */
  add(weight: number): void {
    const now = performance.now();
    const refilled = this.#room + ((now - this.#lastTime) * PER_SECOND) / 1000;
    this.#room = Math.max(this.#room, Math.min(BURST, refilled)) - weight;
    this.#lastTime = now;
    if (this.#room < 0) throw new Error(TOO_MUCH);
  }
}

const TOO_MUCH = "more than has been asked for";
/** Of a server that is sent more than it takes. */
export const UNREAD = "does not read what it is sent";

function tooLarge(most: number, what: string): Error {
  return new Error(`exceeded maximum size of ${most} ${what}`);
}

/** What a server has done wrong, where an error says that it has sent too much: the protocol's package may have put it in words. */
export function faultOf({ message }: Error): string | undefined {
  const [, most] = /exceeded maximum size of (\d+ \w+)/.exec(message) ?? [];
  if (most !== undefined) return `has sent a message of more than ${most}`;
  if (message === UNREAD) return UNREAD;
  return message.includes(TOO_MUCH) ? `sends ${TOO_MUCH}` : undefined;
}
