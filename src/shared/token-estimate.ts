import {
  append,
  isArray,
  JSONStringify,
  MathMax,
  SafeString,
  StringCharCodeAt,
  StringStartsWith,
  StringToLowerCase,
} from "./primordials.ts";

/** Texts are counted in parts of this many characters, so that whoever counts may rest in between. */
export const PART_CHARS = 65_536;
/** What is counted for each message beside what it says. */
const MESSAGE_TOKENS = 4;
/** About what an image costs that is sent as it is. */
const IMAGE_TOKENS = 1_100;
/** The same where `detail` is "low". */
const SMALL_IMAGE_TOKENS = 85;

/**
 * How many tokens more than the tokenizer that the estimate is made for (o200k) others need for the same text. Makers
 * tell it of their models; a model that is not known is taken to need a tenth more.
 */
const FACTORS: readonly (readonly [prefix: string, factor: number])[] = [
  ["gpt", 1],
  ["o1", 1],
  ["o3", 1],
  ["o4", 1],
  ["chatgpt", 1],
  ["claude", 1.25],
];
const UNKNOWN_FACTOR = 1.1;

/** What of a message is counted: its texts, and tokens for all else. */
export interface CountedParts {
  texts: string[];
  tokens: number;
}

const LOWER = 0;
const UPPER = 1;
const ACCENTED = 2;
const DIGIT = 3;
const SPACE = 4;
const SIGN = 5;
const ALPHABET = 6;
const IDEOGRAPH = 7;
const SYLLABLE = 8;
const DENSE = 9;
const OTHER = 10;

/** By how much the estimate for o200k is to be multiplied for this model. */
export function tokenFactor(model: string | undefined): number {
  const name = StringToLowerCase(model ?? "");
  for (let i = 0; i < FACTORS.length; i++) {
    if (StringStartsWith(name, FACTORS[i]![0])) return FACTORS[i]![1];
  }
  return UNKNOWN_FACTOR;
}

/**
 * About how many tokens one part of a text has, at most {@link PART_CHARS} characters from `start` on: words count one and
 * a little for each letter past the seventh, digits a third, signs by their runs, other scripts by their characters.
 */
export function partTokens(text: string, start: number): number {
  const end = start + PART_CHARS < text.length ? start + PART_CHARS : text.length;
  let tokens = 0;
  let before: number = SPACE;
  for (let i = start; i < end;) {
    const kind = kindOf(StringCharCodeAt(text, i));
    const from = i++;
    if (isLetter(kind)) {
      let accents = kind === ACCENTED ? 1 : 0;
      let last = kind;
      for (; i < end; i++) {
        const next = kindOf(StringCharCodeAt(text, i));
        // A capital after a small letter begins a word of its own.
        if (!isLetter(next) || (next === UPPER && last === LOWER)) break;
        if (next === ACCENTED) accents++;
        last = next;
      }
      tokens += wordTokens(i - from, kind === UPPER && last === UPPER, before === DIGIT) + accents * 0.25;
    } else {
      if (kind !== IDEOGRAPH && kind !== SYLLABLE) {
        while (i < end && kindOf(StringCharCodeAt(text, i)) === kind) i++;
      }
      tokens += runTokens(kind, i - from, StringCharCodeAt(text, from) === 10);
    }
    before = kind;
  }
  return tokens;
}

/** About how many tokens a text has for o200k; a fraction. */
export function textTokens(text: string): number {
  let tokens = 0;
  for (let start = 0; start < text.length; start += PART_CHARS) tokens += partTokens(text, start);
  return tokens;
}

/** What counts of a message, in the form of a conversation's, of a prompt's or of a vendor's. */
export function messageParts(message: unknown): CountedParts {
  const counted: CountedParts = { texts: [], tokens: MESSAGE_TOKENS };
  if (typeof message === "string") append(counted.texts, message);
  if (typeof message !== "object" || message === null) return counted;
  const { text, content, images, toolCalls, tool_calls, name, input, result, thoughts } = message as {
    [field: string]: unknown;
  };
  addContent(counted, text);
  addContent(counted, content);
  addContent(counted, images);
  addJSON(counted, toolCalls);
  addJSON(counted, tool_calls);
  addJSON(counted, name);
  addJSON(counted, input);
  addJSON(counted, result);
  addJSON(counted, thoughts);
  return counted;
}

/** What is counted of something that is sent as JSON, such as the definitions of tools. */
export function jsonParts(value: unknown): CountedParts {
  const counted: CountedParts = { texts: [], tokens: 0 };
  addJSON(counted, value);
  return counted;
}

function addContent(counted: CountedParts, content: unknown): void {
  if (!isArray(content)) return addJSON(counted, content);
  for (let i = 0; i < content.length; i++) {
    const part = content[i] as { type?: unknown; text?: unknown; detail?: unknown; imageURL?: unknown } | null;
    const type = SafeString(typeof part === "object" && part !== null ? (part.type ?? "") : "");
    if (type === "image" || type === "image_url" || type === "input_image" || typeof part?.imageURL === "string") {
      counted.tokens += part!.detail === "low" ? SMALL_IMAGE_TOKENS : IMAGE_TOKENS;
    } else addJSON(counted, typeof part?.text === "string" ? part.text : part);
  }
}

function addJSON(counted: CountedParts, value: unknown): void {
  if (value === undefined || value === null) return;
  const text = typeof value === "string" ? value : (JSONStringify as (value: unknown) => string | undefined)(value);
  if (text !== undefined) append(counted.texts, text);
}

function wordTokens(length: number, isCapitals: boolean, isGlued: boolean): number {
  if (isCapitals && length > 1) return MathMax(1, length / 2.6);
  // Letters right after digits are rarely a word: hashes, base64.
  return isGlued ? MathMax(1, length / 2) : MathMax(1, 1 + (length - 7) * 0.16);
}

function runTokens(kind: number, length: number, isLine: boolean): number {
  switch (kind) {
    case DIGIT:
      return (length + 2 - ((length + 2) % 3)) / 3;
    case SPACE:
      return length > 1 || isLine ? 0.6 + length / 40 : 0;
    case SIGN:
      return 0.8 * length ** 0.75;
    case ALPHABET:
      return 0.27 * length + 0.3;
    case DENSE:
      return 0.42 * length;
    case IDEOGRAPH:
      return 0.85;
    case SYLLABLE:
      return 0.6;
    default:
      return 1.1 * length;
  }
}

function isLetter(kind: number): boolean {
  return kind === LOWER || kind === UPPER || kind === ACCENTED;
}

function kindOf(code: number): number {
  if (code < 128) {
    if (code >= 97 && code <= 122) return LOWER;
    if (code >= 65 && code <= 90) return UPPER;
    if (code >= 48 && code <= 57) return DIGIT;
    return code === 32 || code === 9 || code === 10 || code === 13 ? SPACE : SIGN;
  }
  if (code < 0x250 || (code >= 0x1e00 && code < 0x1f00)) return ACCENTED;
  // Greek, Thai and their neighbours are rare in what tokenizers were made from.
  if ((code >= 0x370 && code < 0x400) || (code >= 0xe00 && code < 0x1200)) return DENSE;
  if (code < 0x2000) return ALPHABET;
  if (code >= 0x3040 && code < 0x3100) return SYLLABLE;
  if ((code >= 0x3000 && code < 0xa000) || (code >= 0xac00 && code < 0xd7b0)) return IDEOGRAPH;
  return OTHER;
}
