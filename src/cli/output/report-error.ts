import { isAbsolute, normalize, relative, resolve } from "node:path";
import { styleText } from "node:util";
import { flagFor, type PermissionUse, type ScriptError } from "../../index.ts";
import { UNTRUSTED_WORDS } from "../../config.ts";

/** What is known about a script beside its error. */
export interface ErrorContext {
  /** What the user wrote, for the code frame. */
  source: string;
  /** What the user calls the script. */
  label: string;
  /** The name under which the guest knows it; frames of any other file are left out. */
  file: string;
  /** The texts of the modules that the script was put together from, by the names in stacks. */
  sources?: Readonly<Record<string, string>> | undefined;
  /** The folder that the script lies in. */
  folder?: string | undefined;
  /** The latest use of a permission that was denied. */
  denied?: PermissionUse | undefined;
  /** The column in the source for one in the code that ran, where they differ. Both count from 1. */
  toSourceColumn?: ((line: number, column: number) => number) | undefined;
  /** What was pending when the time was up; "" where that does not matter. */
  pending: string;
  /** Did it run with `--untrusted`? */
  untrusted: boolean;
  colors: boolean;
}

interface Frame {
  /** The text that it lies in. */
  source: string;
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
  ERR_NO_PRICE: "set prices in geppetto.yaml, as prices: { MODEL: { input: 0.25, output: 2 } }",
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

function hintFor(error: ScriptError, context: ErrorContext): string | undefined {
  const { name, code, message } = error;
  const { label, untrusted } = context;
  if (untrusted && UNTRUSTED_LIMITS.has(code ?? "")) {
    return `--untrusted allows at most ${UNTRUSTED_WORDS}; no option raises that`;
  }
  if (name === "PermissionError" && error.fromHost) return permissionHint(message, context);
  if (name === "ReferenceError") return MISSING_NAMES[message.replace(/ is not defined$/, "")];
  // V8's own word for an import() that was not put together before the script ran.
  if (message === "Not supported" && context.source.includes("import(")) {
    return "import() takes the name of a module as a text, in a script file that is an ES module; eval and .cjs have none";
  }
  if (code === "ERR_SCRIPT_LOAD" && untrusted && /\.[cm]?tsx?$/.test(label)) {
    return "--untrusted runs JavaScript; TypeScript has to be compiled first";
  }
  return hintForCode(code);
}

/** An error names a path as the script knows it, which starts from the script's folder; a flag starts from here. */
function permissionHint(message: string, { folder, untrusted, denied }: ErrorContext): string | undefined {
  if (!message.includes("--allow-")) return undefined;
  if (untrusted) return "--untrusted allows nothing, and no option changes that";
  const isPath = denied?.kind === "read" || (denied?.kind === "import" && denied.asked.startsWith("."));
  if (folder === undefined || denied === undefined || !isPath || isAbsolute(denied.asked)) return undefined;
  const { kind, asked } = denied;
  const path = relative("", resolve(folder, asked));
  if (path === normalize(asked)) return undefined;
  // What begins with neither dot nor slash would be a package.
  const shown = kind === "import" && !/^[./]/.test(path) ? `./${path}` : path;
  return `from this folder it is ${flagFor(kind, shown)}`;
}

function toFrame(callee: string, place: string, context: ErrorContext): Frame | undefined {
  const [, name = "", ...numbers] = /^file:\/\/\/(.*):(\d+):(\d+)$/.exec(place) ?? [];
  const { file, label, sources = {}, toSourceColumn } = context;
  const source = name === file ? context.source : Object.hasOwn(sources, name) ? sources[name] : undefined;
  const [line, column] = numbers.map(Number);
  // Code that was put around the user's own has no place in it.
  if (source === undefined || line === undefined || column === undefined) return undefined;
  if (line < 1 || line > linesOf(source).length) return undefined;
  const shown = name === file ? (toSourceColumn?.(line, column) ?? column) : column;
  const text = `${name === file ? label : name}:${line}:${shown}`;
  return { source, line, column: shown, text: callee === "" ? text : `${callee} (${text})` };
}

/** A line of a stack, `    at callee (file:///script.js:3:9)`, if it lies in the script. */
function parseFrame(text: string, context: ErrorContext): Frame | undefined {
  const [, callee, inside, bare] = /^\s+at (?:(.*?) \((file:\/\/\/.*)\)|(file:\/\/\/.*))$/.exec(text) ?? [];
  const place = inside ?? bare;
  return place === undefined ? undefined : toFrame(callee ?? "", place, context);
}

/** The frames of a guest's stack that lie in the script; the stack is the script's to write, so nothing else counts. */
function parseFrames(stack: string, context: ErrorContext): Frame[] {
  const frames = stack.split("\n").map((line) => parseFrame(line, context));
  return frames.filter((frame) => frame !== undefined).slice(0, MAX_FRAMES);
}

/** A syntax error has its place in its message: `… [file:///script.js:2:6]`. */
function splitPlace(message: string, context: ErrorContext): { message: string; frame?: Frame | undefined } {
  const at = message.lastIndexOf(" [file:///");
  const place = at < 0 || !message.endsWith("]") ? "" : message.slice(at + 2, -1);
  const frame = toFrame("", place, context);
  return frame === undefined ? { message } : { message: message.slice(0, at), frame };
}

function linesOf(source: string): string[] {
  return source.split(/\r?\n/);
}

function codeFrame({ source, line, column }: Frame): string[] {
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
  if (top !== undefined) lines.push("", ...codeFrame(top), "");
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
