import { chainAt, chainBefore } from "./call-chain.ts";
import { offsetOf, type Frame } from "./source-frame.ts";

/** Calls that give a promise: of a chain as `chainAt` gives it. */
const PROMISE_CALLS =
  /^chat\(\)|^import\(\)|^Promise\.\w+\(\)|\.(?:startAsync|generateEmbeddingAsync|generateEmbeddings)\(\)/;
/** The same where there is a chat session: other objects have a `next()`, too. */
const SESSION_CALLS = /\.next\(\)/;
/** A function for `map` that gives promises. */
const PROMISE_MAPPER = /\.map\(\s*async\b|(?<!\bawait\s+)(?:\bchat|\.startAsync|\.generateEmbeddingAsync)\s*\(/;
/** Calls that give what only `for await` can go through. */
const STREAM_CALLS = /\.(?:events|stream)\(\)/;

interface Initializer {
  chain: string;
  text: string;
}

function escaped(name: string): string {
  return name.replaceAll("$", "\\$");
}

/** Is this the name of an `async` function or method of the script's own? */
function isAsyncFunction(name: string, source: string): boolean {
  const word = escaped(name);
  const declared = String.raw`\basync\s+(?:function\s+)?${word}\s*\(`;
  return new RegExp(String.raw`${declared}|(?<![\w$])${word}\s*[=:]\s*async(?![\w$])`).test(source);
}

/** The call in a chain that gives a promise, `step.startAsync()`; undefined where there is none, or it is awaited. */
function promiseCall(chain: string, source: string): string | undefined {
  if (/^await\b/.test(chain)) return undefined;
  const pattern = PROMISE_CALLS.test(chain) || !source.includes("ChatSession") ? PROMISE_CALLS : SESSION_CALLS;
  const match = pattern.exec(chain);
  if (match !== null) return chain.slice(0, match.index + match[0].length);
  for (const own of chain.matchAll(/(?<![\w$])([\w$]+)\(\)/g)) {
    if (isAsyncFunction(own[1]!, source)) return chain.slice(0, own.index + own[0].length);
  }
  return undefined;
}

/** The chain, and the text, that a variable was given where it was assigned last before a place, also as a part of a pattern. */
function initializerOf(name: string, source: string, offset: number): Initializer | undefined {
  const word = escaped(name);
  const target = String.raw`(?<![\w$.])${word}(?:\s*:[^=;(\n]+)?|(?:const|let|var)\s*[{[][^=;]*(?<![\w$.])${word}(?![\w$])[^=;]*[}\]]`;
  let start: number | undefined;
  for (const { index, 0: text } of source
    .slice(0, offset)
    .matchAll(new RegExp(String.raw`(?:${target})\s*=(?![=>])\s*`, "g"))) {
    start = index + text.length;
  }
  if (start === undefined) return undefined;
  const { text: chain, end } = chainAt(source, start);
  return { chain, text: source.slice(start, end) };
}

/** What a TypeError is about, as a chain, and whether it went through it as through a list. */
function subjectOf(message: string, source: string, offset: number): { chain: string; isList?: boolean } | undefined {
  if (/^Cannot (?:read|set) properties of undefined/.test(message)) {
    const chain = chainBefore(source, offset);
    return chain === undefined ? undefined : { chain };
  }
  const [, callee] = /^([\w$.]+) is not a function or its return value is not iterable$/.exec(message) ?? [];
  if (callee !== undefined) return { chain: `${callee}()`, isList: true };
  const [, called] = /^([\w$.()[\]]+) is not a function$/.exec(message) ?? [];
  if (called !== undefined) return { chain: called.replaceAll("(...)", "()") };
  const [, listed] = /^([\w$.]+) is not iterable/.exec(message) ?? [];
  if (listed === undefined) return undefined;
  if (listed !== "object" && listed !== "undefined") return { chain: listed, isList: true };
  const made = /^new\s+\w+\s*\(\s*/.exec(source.slice(offset, offset + 200));
  return { chain: chainAt(source, offset + (made?.[0].length ?? 0)).text, isList: true };
}

function asWritten(chain: string): string {
  return chain.replaceAll("()", "(…)");
}

/** Texts of ours that say that an argument should have been something else than an object, or than a promise. */
const WRONG_ARGUMENT =
  /^Cannot copy a Promise\b|\blengths are undefined\b|(?:\bgot an object|\bnot object|\bgot \[object \w+\])$/;

/** A promise among the arguments of the call that begins with the name at this place. */
function promiseArgument(source: string, offset: number): string | undefined {
  const call = chainAt(source, offset);
  const given = source.slice(offset, call.end);
  for (const { index } of given.matchAll(/(?<![\w$.])[A-Za-z_$][\w$]*/g)) {
    if (index === 0 || /\bawait\s+$/.test(given.slice(0, index))) continue;
    const chain = chainAt(given, index).text;
    const direct = promiseCall(chain, source);
    if (direct !== undefined) return direct;
    const value = /^[\w$]+$/.test(chain) ? initializerOf(chain, source, offset) : undefined;
    if (value !== undefined && promiseCall(value.chain, source) !== undefined) return chain;
  }
  return undefined;
}

/** What to do where a script has given a promise to a function that wants its value; undefined where nothing says so. */
export function hintForArgument(message: string, frame: Frame | undefined): string | undefined {
  if (frame === undefined || !WRONG_ARGUMENT.test(message)) return undefined;
  const argument = promiseArgument(frame.source, offsetOf(frame));
  return argument === undefined ? undefined : `${asWritten(argument)} is a promise: put await before it`;
}

/** What to do where a script has forgotten an `await`; undefined where nothing says that it has. */
export function hintForAwait(message: string, frame: Frame): string | undefined {
  const { source } = frame;
  if (message.includes("[object Promise]"))
    return "a promise was used as a text: put await before the call that gave it";
  const argument = hintForArgument(message, frame);
  if (argument !== undefined) return argument;
  const offset = offsetOf(frame);
  const subject = subjectOf(message, source, offset);
  if (subject === undefined) return undefined;
  const { chain, isList = false } = subject;
  const [name = ""] = /^[\w$]+/.exec(chain) ?? [];
  const given = initializerOf(name, source, offset);
  const direct = promiseCall(chain, source);
  if (direct !== undefined) return `${asWritten(direct)} gives a promise: put await before it`;
  const call = given === undefined ? undefined : promiseCall(given.chain, source);
  if (call !== undefined) return `${name} comes from a promise: put await before ${asWritten(call)}`;
  if (given !== undefined && given.chain.endsWith(".map()") && PROMISE_MAPPER.test(given.text)) {
    return `${name} holds promises: use await Promise.all(${name})`;
  }
  const isStream = isList && (STREAM_CALLS.test(chain) || (given !== undefined && STREAM_CALLS.test(given.chain)));
  return isStream ? "events() and stream() are asynchronous: write for await" : undefined;
}
