import type { SessionOutcome } from "../engine/session/session-options.ts";
import type { ScriptError } from "../engine/script/script-run.ts";
import { codeFrame } from "../hints/code-frame.ts";
import { linesOf } from "../hints/source-frame.ts";
import type { GuestOutcome } from "./code-guest.ts";
import type { CodeError, CodeProblem, CodeResult, CodeUsage } from "./code-result.ts";
import { mendHint } from "./mend-hint.ts";

const MAX_MESSAGE = 2_000;
/** Of a longer message no more is looked at, in characters. */
const MAX_READ = 10_000;
/** Most parts of a value that are looked at. */
const MAX_PARTS = 200_000;
const NOTHING: CodeUsage = { calls: 0, tokens: 0, cost: 0, toolCalls: 0, durationMs: 0 };

export interface ResultFacts {
  code: string;
  notes: string[];
  maxResultChars: number;
  tools: readonly string[];
}

/** What a model is told of a run. */
export function resultOf({ outcome, printed, spent }: GuestOutcome, facts: ResultFacts): CodeResult {
  const notes = [...facts.notes];
  const shown = outcome.ok ? shownValue(outcome, facts.maxResultChars, notes) : {};
  if (outcome.ok && Object.keys(shown).length === 0 && printed === "") notes.push(noteOnNothing(facts.code));
  if (!outcome.ok && outcome.error === undefined)
    notes.push(`the code said itself that it failed, with exit code ${outcome.exitCode ?? 1}`);
  return {
    ok: outcome.ok,
    ...shown,
    ...(printed === "" ? {} : { console: printed }),
    ...(outcome.error === undefined ? {} : { error: describeFailure(outcome, outcome.error, facts) }),
    ...(notes.length === 0 ? {} : { notes }),
    usage: { ...NOTHING, ...spent },
  };
}

/** What a model is told of code that was not run. */
export function failedResult(error: CodeError, durationMs: number): CodeResult {
  return { ok: false, error, usage: { ...NOTHING, durationMs } };
}

/** What a model is told of code whose types do not fit. */
export function typesResult(code: string, problems: readonly CodeProblem[]): CodeResult {
  const { line, column, message, hint } = problems[0]!;
  const error: CodeError = {
    name: "TypeError",
    code: "ERR_TYPES",
    message: `The code was not run, since its types do not fit: ${message}`,
    line,
    column,
    frame: codeFrame({ source: code, line, column }).join("\n"),
    ...(hint === undefined ? {} : { hint }),
  };
  return { ok: false, error, problems: [...problems], usage: NOTHING };
}

function shownValue(
  { value, text }: SessionOutcome,
  maxChars: number,
  notes: string[],
): Pick<CodeResult, "value" | "text"> {
  const json = value !== undefined && isJson(value, { left: MAX_PARTS }) ? JSON.stringify(value) : undefined;
  // They come as empty objects.
  if (/(?:^|[[{(,:])\s*Promise \{/.test((text ?? "").slice(0, MAX_READ)) && /\{\}/.test(json ?? ""))
    notes.push("the value holds promises: put await Promise.all(…) around them");
  if (json !== undefined && json.length <= maxChars) return { value: JSON.parse(json) as unknown };
  const whole = json ?? text;
  if (whole === undefined) return {};
  if (whole.length <= maxChars) return { text: whole };
  notes.push(`the value has ${whole.length} characters, of which the first ${maxChars} are shown: return less`);
  return { text: whole.slice(0, maxChars).toWellFormed() };
}

/** Is nothing lost when it is written as JSON? */
function isJson(value: unknown, parts: { left: number }): boolean {
  if (--parts.left < 0) return false;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return typeof value !== "bigint";
  if (value instanceof Date) return !Number.isNaN(value.getTime());
  if (Array.isArray(value)) return value.every((element) => isJson(element, parts));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every((field) => isJson(field, parts));
}

/** Models like to declare a function, and to leave it at that. */
function noteOnNothing(code: string): string {
  const [, name = ""] =
    /\bfunction\s+([\w$]{1,100})\s*\(/.exec(code.slice(0, MAX_READ)) ??
    /\b(?:const|let)\s+([\w$]{1,100})\s*=\s*(?:async\s*)?\(/.exec(code.slice(0, MAX_READ)) ??
    [];
  const uses = name === "" ? 0 : code.split(name).length - 1;
  return uses === 1
    ? `nothing was given: ${name} is never called; end with await ${name}()`
    : "nothing was given: end with the value as the last expression, or return it";
}

function describeFailure(outcome: SessionOutcome, error: ScriptError, { code, tools }: ResultFacts): CodeError {
  const { place, name: file } = outcome;
  const isHere =
    place !== undefined && (place.file === file || file === "call.js") && place.line <= linesOf(code).length;
  const at = isHere ? { line: place.line, column: place.column } : undefined;
  const frame = at && { file: file, text: "", source: code, ...at };
  const hint = mendHint(error, { source: code, frame, tools });
  return {
    name: error.className ?? error.name,
    message: plainMessage(error.message),
    ...(error.code === undefined ? {} : { code: error.code }),
    ...at,
    ...(frame === undefined ? {} : { frame: codeFrame(frame).join("\n") }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** Without the place, which is told of by itself, and without what only the host can change. */
function plainMessage(message: string): string {
  return message
    .slice(0, MAX_READ)
    .replace(/ \[(?:file:\/\/\/)?[^[\]\n]+:\d+:\d+\]$/, "")
    .replace(/; (?:raise it with|allow it with) .*$/s, "")
    .slice(0, MAX_MESSAGE)
    .toWellFormed();
}
