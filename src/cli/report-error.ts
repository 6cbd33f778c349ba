import { styleText } from "node:util";
import type { ScriptError } from "../index.ts";
import { colorsForErrors, defuse } from "./terminal.ts";

interface Frame {
  line: number;
  column: number;
  text: string;
}

/** Frames that are shown under an error. */
const MAX_FRAMES = 10;
/** Longest source line that is shown around a position, in characters. */
const MAX_LINE_CHARS = 160;

const HINTS: Record<string, string> = {
  ERR_MISSING_KEY: "keys come from the environment; without one, run with -m embedded:demo",
  ERR_INVALID_KEY: "check the key in the environment",
  ERR_SCRIPT_STALLED: "an await is waiting for something that was never started, or that was cancelled",
  ERR_PROVIDER_UNREACHABLE: "check the base URL and that the server runs",
};

/** The frames of a guest's stack that lie in the script, as `script.js:3:9`. */
function parseFrames(stack: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of stack.split("\n")) {
    const match = /^\s+at (?:(.*) \()?file:\/\/\/([^()]*):(\d+):(\d+)\)?$/.exec(line);
    if (match === null) continue;
    const [, callee, file, row, column] = match;
    const where = `${file}:${row}:${column}`;
    frames.push({ line: Number(row), column: Number(column), text: callee ? `${callee} (${where})` : where });
  }
  return frames.slice(0, MAX_FRAMES);
}

/** V8 puts the place of a syntax error into its message: `… [file:///script.js:2:6]`. */
function splitPlace(message: string): { message: string; frame?: Frame } {
  const match = /^([\s\S]*) \[file:\/\/\/([^\]]*):(\d+):(\d+)\]$/.exec(message);
  if (match === null) return { message };
  const [, text, file, row, column] = match;
  return { message: text!, frame: { line: Number(row), column: Number(column), text: `${file}:${row}:${column}` } };
}

function codeFrame(source: string, { line, column }: Frame): string[] {
  const lines = source.split("\n");
  if (line < 1 || line > lines.length) return [];
  const first = Math.max(1, line - 2);
  const last = Math.min(lines.length, line + 1);
  const width = String(last).length;
  const shown: string[] = [];
  for (let row = first; row <= last; row++) {
    const text = lines[row - 1]!.replaceAll("\t", " ").slice(0, MAX_LINE_CHARS);
    shown.push(`${row === line ? ">" : " "} ${String(row).padStart(width)} | ${text}`);
    if (row === line && column <= MAX_LINE_CHARS) shown.push(`  ${" ".repeat(width)} | ${" ".repeat(Math.max(0, column - 1))}^`);
  }
  return shown;
}

/** An uncaught error as the user reads it: what, where, the code around it, the causes, and what to do. */
export function formatError(error: ScriptError, source: string | undefined): string {
  const color = (style: "red" | "dim" | "bold", text: string): string =>
    colorsForErrors() ? styleText(style, text, { validateStream: false }) : text;
  const { message, frame } = splitPlace(error.message);
  const frames = frame ? [frame] : parseFrames(error.stack ?? "");
  const [top] = frames;
  const code = error.code === undefined ? "" : ` [${error.code}]`;
  const lines = [`${color("red", `${error.name}${code}`)}: ${message}`];
  if (top !== undefined && source !== undefined) lines.push("", ...codeFrame(source, top));
  if (frames.length > 0) lines.push("", ...frames.map(({ text }) => color("dim", `    at ${text}`)));
  for (let { cause } = error; cause !== undefined; cause = cause.cause) lines.push(`caused by ${cause.name}: ${cause.message}`);
  const hint = HINTS[error.code ?? ""];
  if (hint !== undefined) lines.push(`hint: ${hint}`);
  return `${defuse(lines.join("\n"))}\n`;
}
