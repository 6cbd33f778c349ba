import { styleText } from "node:util";
import type { ScriptError } from "../index.ts";
import { describeUntrusted } from "./script-limits.ts";

/** What is known about a script beside its error. */
export interface ErrorContext {
  /** What the user wrote, for the code frame. */
  source: string;
  /** What the user calls the script. */
  label: string;
  /** The name under which the guest knows it; frames of any other file are left out. */
  file: string;
  /** The column in the source for one in the code that ran, where they differ. Both count from 1. */
  toSourceColumn?: ((line: number, column: number) => number) | undefined;
  /** What was pending when the time was up; "" where that does not matter. */
  pending: string;
  /** Did it run with `--untrusted`? */
  untrusted: boolean;
  colors: boolean;
}

interface Frame {
  line: number;
  column: number;
  text: string;
}

/** Frames that are shown under an error. */
const MAX_FRAMES = 10;
/** Longest source line that is shown around a position, in characters. */
const MAX_LINE_CHARS = 160;
/** Causes that are shown under an error. */
const MAX_CAUSES = 5;

const HINTS: Record<string, string> = {
  ERR_MISSING_KEY: "keys come from the environment and from keys set; without one, run with -m embedded:demo",
  ERR_INVALID_KEY: "check the key, in the environment or the one that keys set has stored",
  ERR_NO_PRICE: "say prices in geppetto.yaml, as prices: { MODEL: { input: 0.25, output: 2 } }",
  ERR_RATE_LIMIT: "wait a little, or ask for less at a time",
  ERR_SCRIPT_STALLED: "an await is waiting for something that was never started, or that was cancelled",
  ERR_PROVIDER_UNREACHABLE: "check the base URL and that the server runs",
  ERR_REPLAY_MISS: "record the answer by running once with --record in place of --replay",
  ERR_ENGINE_CRASHED: "the script broke the JavaScript engine itself; nothing outside it was touched",
};

/** What to do about an error by its code alone. */
export function hintForCode(code: string | undefined): string | undefined {
  return HINTS[code ?? ""];
}

const UNTRUSTED_LIMITS: ReadonlySet<string> = new Set([
  "ERR_LIMIT_WALL",
  "ERR_LIMIT_CPU",
  "ERR_LIMIT_MEMORY",
  "ERR_LIMIT_OUTPUT",
]);

/** What to do about a name that V8 does not find, by the name. */
const MISSING_NAMES: Record<string, string> = {
  input: "give the script its input with --input",
  require: "scripts are ES modules and have no require()",
  module: "scripts are ES modules: use export default",
  exports: "scripts are ES modules: use export default",
};

function hintFor({ name, code, message }: ScriptError, { label, untrusted }: ErrorContext): string | undefined {
  if (untrusted && UNTRUSTED_LIMITS.has(code ?? "")) {
    return `--untrusted allows at most ${describeUntrusted()}; no option raises that`;
  }
  if (name === "ReferenceError") return MISSING_NAMES[message.replace(/ is not defined$/, "")];
  if (code !== "ERR_SCRIPT_LOAD") return hintForCode(code);
  if (/\.[cm]?tsx?$/.test(label)) return "this version runs JavaScript; TypeScript has to be compiled first";
  return message.startsWith("Cannot import") ? "put what the script needs into the script itself" : undefined;
}

function toFrame(callee: string, line: number, column: number, context: ErrorContext): Frame | undefined {
  // Code that was put around the user's own has no place in it.
  if (line < 1 || line > linesOf(context.source).length) return undefined;
  const shown = context.toSourceColumn?.(line, column) ?? column;
  const place = `${context.label}:${line}:${shown}`;
  return { line, column: shown, text: callee === "" ? place : `${callee} (${place})` };
}

/** A line of a stack, `    at callee (file:///script.js:3:9)`, if it lies in the script. */
function parseFrame(text: string, context: ErrorContext): Frame | undefined {
  const [before, place] = splitOnce(text, `file:///${context.file}:`);
  const position = /^(\d+):(\d+)\)?$/.exec(place ?? "");
  const callee = /^\s+at (?:(.*) \()?$/.exec(before);
  if (position === null || callee === null) return undefined;
  return toFrame(callee[1] ?? "", Number(position[1]), Number(position[2]), context);
}

/** The frames of a guest's stack that lie in the script; the stack is the script's to write, so nothing else counts. */
function parseFrames(stack: string, context: ErrorContext): Frame[] {
  const frames = stack.split("\n").map((line) => parseFrame(line, context));
  return frames.filter((frame) => frame !== undefined).slice(0, MAX_FRAMES);
}

/** V8 puts the place of a syntax error into its message: `… [file:///script.js:2:6]`. */
function splitPlace(message: string, context: ErrorContext): { message: string; frame?: Frame | undefined } {
  const [text, place] = splitOnce(message, ` [file:///${context.file}:`);
  const position = /^(\d+):(\d+)\]$/.exec(place ?? "");
  if (position === null) return { message };
  return { message: text, frame: toFrame("", Number(position[1]), Number(position[2]), context) };
}

/** What stands before and after the last `separator`. */
function splitOnce(text: string, separator: string): [before: string, after?: string] {
  const at = text.lastIndexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

function linesOf(source: string): string[] {
  return source.split(/\r?\n/);
}

function codeFrame(source: string, { line, column }: Frame): string[] {
  const lines = linesOf(source);
  const first = Math.max(1, line - 2);
  const last = Math.min(lines.length, line + 1);
  const width = String(last).length;
  const shown: string[] = [];
  for (let row = first; row <= last; row++) {
    const text = lines[row - 1]!.replaceAll("\t", " ").slice(0, MAX_LINE_CHARS);
    shown.push(`${row === line ? ">" : " "} ${String(row).padStart(width)} | ${text}`.trimEnd());
    if (row === line && column >= 1 && column <= text.length + 1) {
      shown.push(`  ${" ".repeat(width)} | ${" ".repeat(column - 1)}^`);
    }
  }
  return shown;
}

function headline({
  name,
  message,
  code,
}: Pick<ScriptError, "name" | "message" | "code">): [name: string, rest: string] {
  return [code === undefined ? name : `${name} [${code}]`, message === "" ? "" : `: ${message}`];
}

/** An uncaught error as the user reads it: what, where, the code around it, the causes, and what to do. */
export function formatError(error: ScriptError, context: ErrorContext): string {
  const color = (style: "red" | "dim" | "cyan", text: string): string =>
    context.colors ? styleText(style, text, { validateStream: false }) : text;
  const { message, frame } = splitPlace(error.message, context);
  const frames = frame === undefined ? parseFrames(error.stack ?? "", context) : [frame];
  const [top] = frames;
  const [name, rest] = headline({ ...error, message });
  const lines = [`${color("red", name)}${rest}`];
  if (context.pending !== "") lines.push(context.pending);
  if (top !== undefined) lines.push("", ...codeFrame(context.source, top), "");
  lines.push(...frames.map(({ text }) => color("dim", `    at ${text}`)));
  for (let { cause } = error, depth = 0; cause !== undefined && depth < MAX_CAUSES; { cause } = cause, depth++) {
    lines.push(`caused by ${headline(cause).join("")}`);
    lines.push(
      ...parseFrames(cause.stack ?? "", context)
        .slice(0, 1)
        .map(({ text }) => color("dim", `    at ${text}`)),
    );
  }
  const hint = hintFor({ ...error, message }, context);
  if (hint !== undefined) lines.push(`${color("cyan", "hint")}: ${hint}`);
  return lines.join("\n");
}
