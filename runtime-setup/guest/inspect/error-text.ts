/** Errors as Node prints them: the stack, the class where the stack does not name it, and no frames of this runtime. */
import {
  append,
  ArrayJoin,
  ErrorToString,
  isArray,
  ObjectHasOwn,
  ObjectToString,
  SafeString,
  StringEndsWith,
  StringIncludes,
  StringIndexOf,
  StringRepeat,
  StringSlice,
  StringStartsWith,
} from "../../../src/shared/primordials.ts";
import { isError } from "./brands.ts";
import type { Context } from "./context.ts";
import { prefix } from "./names.ts";

/** The file name of this runtime in stacks. */
const RUNTIME_FILE = "geppetto:runtime";
const LEAD = "    at ";
const FRAME = `\n${LEAD}`;

function attempt<T>(read: () => T): { value: T } | undefined {
  try {
    return { value: read() };
  } catch {
    return undefined;
  }
}

function splitLines(text: string): string[] {
  const lines: string[] = [];
  for (let start = 0; ;) {
    const end = StringIndexOf(text, "\n", start);
    append(lines, StringSlice(text, start, end === -1 ? text.length : end));
    if (end === -1) return lines;
    start = end + 1;
  }
}

/** The stack of an error of ours or the script's, without this runtime's frames. */
function stackText(context: Context, error: Error): string {
  const stack: unknown = attempt(() => error.stack as unknown)?.value;
  if (!stack) return ErrorToString(error);
  if (typeof stack === "string") return withoutRuntimeFrames(stack);
  append(context.seen, error);
  context.indentation += 4;
  const shown = context.format(context, stack, 0);
  context.indentation -= 4;
  context.seen.length--;
  return `${ErrorToString(error)}\n    ${shown}`;
}

/** The stack without the frames that lie in this runtime's own file, and those of V8's own functions that it has called. */
export function withoutRuntimeFrames(stack: string): string {
  if (!StringIncludes(stack, RUNTIME_FILE)) return stack;
  const lines = splitLines(stack);
  const last = lines.length - 1;
  const kept: string[] = [];
  // Whoever has called a function stands below it. Of the last one it is not known: what it has called tells.
  let callerIsOurs = isRuntimeFrame(lines[last - 1] ?? "");
  for (let i = last; i >= 0; i--) {
    const line = lines[i]!;
    callerIsOurs = isRuntimeFrame(line) || (callerIsOurs && isNativeFrame(line));
    if (!callerIsOurs) append(kept, line);
  }
  let text = "";
  for (let i = kept.length - 1; i >= 0; i--) text += i === 0 ? kept[i]! : `${kept[i]!}\n`;
  return text;
}

function isRuntimeFrame(line: string): boolean {
  return StringStartsWith(line, LEAD) && StringIncludes(line, RUNTIME_FILE);
}

/** Such as `at new Promise (<anonymous>)` and `at async Promise.all (index 0)`. */
function isNativeFrame(line: string): boolean {
  if (!StringStartsWith(line, LEAD)) return false;
  return StringEndsWith(line, " (<anonymous>)") || StringIncludes(line, " (index ");
}

/** How many lines, from which one on, the two stacks have in common; fewer than four count as none. */
function commonFrames(frames: readonly string[], others: readonly string[]): { length: number; start: number } {
  for (let start = 0; start < frames.length - 3; start++) {
    let at = 0;
    while (at < others.length && others[at] !== frames[start]) at++;
    let length = 0;
    while (
      start + length < frames.length &&
      at + length < others.length &&
      frames[start + length] === others[at + length]
    ) {
      length++;
    }
    if (length > 3) return { length, start };
  }
  return { length: 0, start: 0 };
}

function shortenByCause(context: Context, error: Error, frames: string[]): string[] {
  const cause = attempt(() => error.cause)?.value;
  if (!isError(cause)) return frames;
  const stack = stackText(context, cause);
  const start = StringIndexOf(stack, FRAME);
  if (start === -1) return frames;
  const common = commonFrames(frames, splitLines(StringSlice(stack, start + 1)));
  if (common.length === 0) return frames;
  const skipped = common.length - 2;
  const out: string[] = [];
  for (let i = 0; i < frames.length; i++) {
    if (i <= common.start || i > common.start + skipped) append(out, frames[i]!);
    if (i !== common.start) continue;
    append(out, context.stylize(`    ... ${skipped} lines matching cause stack trace ...`, "undefined"));
  }
  return out;
}

/** The name that a stack starts with: `AbortError` in `AbortError: stopped`. */
function leadingName(stack: string): string {
  let end = 0;
  while (end < stack.length && stack[end] !== ":" && stack[end] !== "\n" && end < 100) end++;
  const name = StringSlice(stack, 0, end);
  const followed = stack[end] === ":" || StringStartsWith(StringSlice(stack, end), FRAME);
  return followed || (end === stack.length && StringEndsWith(name, "Error")) ? name : "";
}

/** Puts the class's name into the first line where the error's name says something else. */
function nameClass(stack: string, constructor: string | null, name: string, tag: string): string {
  let { length } = name;
  const usual =
    StringEndsWith(name, "Error") &&
    StringStartsWith(stack, name) &&
    (stack.length === length || stack[length] === ":" || stack[length] === "\n");
  if (constructor !== null && !usual) return stack;
  let fallback = "Error";
  if (constructor === null) {
    const lead = leadingName(stack);
    length = lead.length;
    fallback = lead === "" ? "Error" : lead;
  }
  const title = StringSlice(prefix(constructor, tag, fallback), 0, -1);
  if (name === title) return stack;
  const rest = StringSlice(stack, length);
  if (StringIncludes(title, name)) return length === 0 ? `${title}: ${stack}` : `${title}${rest}`;
  return `${title} [${name}]${rest}`;
}

function without(keys: PropertyKey[], key: string): void {
  let to = 0;
  for (let from = 0; from < keys.length; from++) if (keys[from] !== key) keys[to++] = keys[from]!;
  keys.length = to;
}

function has(keys: readonly PropertyKey[], key: string): boolean {
  for (let i = 0; i < keys.length; i++) if (keys[i] === key) return true;
  return false;
}

/** Takes out of `keys` what the stack already says, and puts in the cause and the errors of an AggregateError. */
function adjustKeys(context: Context, error: Error, stack: string, keys: PropertyKey[]): void {
  const fields = error as unknown as Record<string, unknown>;
  if (!context.showHidden) {
    without(keys, "stack");
    const names = ["message", "name"];
    for (let i = 0; i < names.length; i++) {
      const key = names[i]!;
      const field = attempt(() => fields[key]);
      if (field === undefined || !has(keys, key)) continue;
      if (typeof field.value !== "string" || StringIncludes(stack, field.value)) without(keys, key);
    }
  }
  if (ObjectHasOwn(error, "cause") && !has(keys, "cause")) append(keys, "cause");
  const errors = attempt(() => fields["errors"])?.value;
  if (isArray(errors) && ObjectHasOwn(error, "errors") && !has(keys, "errors")) append(keys, "errors");
}

/** The text of an error, without its own properties; changes `keys` to those that are still to be shown. */
export function formatError(
  context: Context,
  error: Error,
  constructor: string | null,
  tag: string,
  keys: PropertyKey[],
): string {
  const read = attempt(() => stackText(context, error));
  if (read === undefined) return ObjectToString(error);
  let stack = read.value;
  const message = attempt(() => error.message as unknown)?.value;
  const name = attempt(() => error.name as unknown)?.value ?? "Error";
  adjustKeys(context, error, stack, keys);
  stack = nameClass(stack, constructor, typeof name === "string" ? name : SafeString(name), tag);
  let from = typeof message === "string" && message !== "" ? StringIndexOf(stack, message) : -1;
  if (from > 0) from += (message as string).length;
  const start = StringIndexOf(stack, FRAME, from);
  if (start === -1) stack = `[${stack}]`;
  else {
    const frames = shortenByCause(context, error, splitLines(StringSlice(stack, start + 1)));
    stack = `${StringSlice(stack, 0, start)}\n${ArrayJoin(frames, "\n")}`;
  }
  if (context.indentation === 0) return stack;
  return ArrayJoin(splitLines(stack), `\n${StringRepeat(" ", context.indentation)}`);
}
