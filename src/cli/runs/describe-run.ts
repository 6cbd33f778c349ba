import type { LoggedOutcome, RunRecord, RunSummary, StepEvent } from "../../index.ts";
import { formatCount, formatElapsed } from "../options/quantities.ts";
import { hintForCode } from "../../error-texts.ts";
import type { RunDetails } from "../session/run-start.ts";
import { cutText, lastOf } from "./cut-text.ts";
import { describeCall, describeTotal } from "./describe-call.ts";
import type { Fact } from "./fact-lines.ts";

type ErrorRecord = NonNullable<LoggedOutcome["error"]>;

/** An error as the command line keeps it: with its place and what to do. */
interface ReportedError extends ErrorRecord {
  file?: string;
  line?: number;
  column?: number;
  hint?: string;
}

/** Characters of a step's id that are shown. */
const SHORT_ID = 8;
/** Most calls, steps beside them, pieces of output and errors that nobody has looked at that are shown. */
const MAX_CALLS = 50;
const MAX_STEPS = 20;
const MAX_PIECES = 50;
const MAX_UNHANDLED = 5;

/** "2026-11-20 05:24:08", in local time. */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "unknown";
  const local = new Date(ms - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace("T", " ");
}

/** "completed", "failed (ERR_LIMIT_WALL)", "running": what has become of a run, in a few words. */
export function describeState({ state, outcome, exitCode, isDamaged }: RunSummary): string {
  if (isDamaged && outcome === undefined) return `${state} (damaged)`;
  if (state !== "failed" || outcome === undefined) return state;
  const { end, error = outcome.unhandledErrors?.[0] } = outcome;
  const code = exitCode ?? outcome.exitCode;
  if (end !== "exit" && error !== undefined) return `failed (${error.code ?? error.name})`;
  return code === undefined ? state : `failed (exit ${code})`;
}

/** How long a run took, or has taken so far; undefined where nobody knows. */
export function describeDuration({ state, startedAt, durationMs }: RunSummary): string | undefined {
  if (durationMs !== undefined) return formatElapsed(durationMs);
  return state === "running" ? formatElapsed(Math.max(0, Date.now() - startedAt)) : undefined;
}

/** What ran. */
export function describeStart(
  run: Pick<RunRecord, "id" | "script" | "startedAt" | "details">,
  isFull: boolean,
): Fact[] {
  const details = run.details as Partial<RunDetails>;
  const { command, args = [], env = {}, input, omittedInput, profile, settings, untrusted, replayOf } = details;
  const { chat } = settings ?? {};
  return [
    ["run", run.id],
    ["script", run.script + (command === undefined ? "" : ` (${command}${untrusted ? " --untrusted" : ""})`)],
    ["arguments", args.length === 0 ? undefined : args.map((arg) => JSON.stringify(arg)).join(" ")],
    ["variables", pairs(env)],
    ["input", omittedInput === undefined ? input && cutText(input, isFull) : "not kept: too long"],
    ["profile", profile],
    ["model", chat && [chat.provider, chat.model].filter(Boolean).join(":")],
    ["settings", pairs(flatten({ ...settings, chat: { ...chat, provider: undefined, model: undefined } }))],
    ["replay of", replayOf],
    ["started", formatTime(run.startedAt)],
  ];
}

/** What became of it. */
export function describeEnd(run: RunRecord, isFull: boolean): Fact[] {
  const { state, outcome = { ok: true }, exitCode = outcome.exitCode, recordings } = run;
  const { error, unhandledErrors = [], text, end } = outcome;
  const others = unhandledErrors.filter((other) => other.message !== error?.message).slice(0, MAX_UNHANDLED);
  return [
    ["took", describeDuration(run)],
    ["used", describeTotal(run)],
    ["state", state === "killed" ? "killed: its process has ended and said nothing" : state],
    ["exit code", exitCode === undefined ? undefined : String(exitCode)],
    ["end", end],
    ...(error === undefined ? [] : describeError(error)),
    ...others.flatMap(describeError),
    ["result", text && cutText(text, isFull)],
    ["answers", recordings && `${formatCount(recordings.length, "answer")} to replay`],
    ["replay", run.notReplayable && `not replayable: ${run.notReplayable}`],
    ["damaged", run.isDamaged && "a part of this run in the log cannot be read"],
    ["left out", run.droppedEvents === 0 ? undefined : formatCount(run.droppedEvents, "event")],
    ["left out", run.droppedOutput === 0 ? undefined : `${formatCount(run.droppedOutput, "character")} of output`],
  ];
}

/** What it did in between. */
export function describeWork({ calls, output, events }: RunRecord, isFull: boolean): Fact[] {
  const numbered = calls.map((call, index) => ({ call, number: index + 1 }));
  return [
    ...lastOf(numbered, { most: MAX_CALLS, noun: "call" }, isFull, ({ call, number }) =>
      describeCall(call, number, isFull),
    ),
    ...describeSteps(events, isFull),
    ...lastOf(output, { most: MAX_PIECES, noun: "piece" }, isFull, (piece) => [describeOutput(piece, isFull)]),
  ];
}

/** A piece of output. The end of its last line is not one more line. */
export function describeOutput({ stream, text }: RunRecord["output"][number], isFull: boolean): Fact {
  return [stream, cutText(text.replace(/\n$/, ""), isFull)];
}

/** One line per step that does not ask a model itself: its type, how many events it had and how it ended. */
function describeSteps(events: readonly StepEvent[], isFull: boolean): Fact[] {
  const others = events.filter(({ step }) => step.type !== "chat");
  const steps = [...Map.groupBy(others, ({ step }) => step.stepId)];
  return lastOf(steps, { most: MAX_STEPS, noun: "step" }, isFull, ([stepId, own]) => {
    const { type, step } = own.at(-1)!;
    const { durationMs } = step.metadata;
    const time = durationMs === undefined ? "" : ` after ${formatElapsed(durationMs)}`;
    const name = `${step.type} ${stepId.slice(0, SHORT_ID)}`;
    return [["step", `${name}: ${formatCount(own.length, "event")}, ${type}${time}`]];
  });
}

function describeError({ name, code, message, cause, file, line, column, hint }: ReportedError): Fact[] {
  return [
    ["error", `${name}${code === undefined ? "" : ` [${code}]`}: ${message}`],
    ["  at", file === undefined ? undefined : [file, line, column].filter((part) => part !== undefined).join(":")],
    ["  cause", cause && `${cause.name}: ${cause.message}`],
    ["  hint", hint ?? hintForCode(code)],
  ];
}

function pairs(values: Readonly<Record<string, unknown>>): string | undefined {
  const shown = Object.entries(values).map(([name, value]) => `${name}=${String(value)}`);
  return shown.length === 0 ? undefined : shown.join(" ");
}

/** The values in an object by their paths: `limits.memoryMB`. */
function flatten(value: object, path = ""): Record<string, unknown> {
  const flat: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(value)) {
    const own = `${path}${name}`;
    if (typeof entry === "object" && entry !== null && !Array.isArray(entry))
      Object.assign(flat, flatten(entry, `${own}.`));
    else if (entry !== undefined) flat[own] = entry;
  }
  return flat;
}
