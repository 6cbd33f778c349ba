import type { JudgedThreshold } from "../../config.ts";
import type { LoggedOutcome, PermissionUse, RunUsage, ScriptError, ScriptOutcome } from "../../index.ts";
import { suspendedLines } from "../executions/describe-execution.ts";
import { formatCost, formatCount } from "../options/quantities.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { ErrorReport, type ErrorContext } from "../output/report-error.ts";
import type { Terminal } from "../output/terminal.ts";
import { toJson } from "../output/to-json.ts";
import type { RunMeasures } from "../stats/run-measures.ts";
import { statsBlock } from "../stats/stats-block.ts";
import type { Interrupts } from "./interrupts.ts";
import { describePending } from "./run-monitor.ts";
import { scriptDocument } from "./script-document.ts";
import type { Candidate, SessionScript } from "./session-script.ts";

/** What is known at the end of a script beside how it ended. */
export interface SessionEnd {
  script: SessionScript;
  /** The candidate that ran last. */
  ran: Candidate | undefined;
  exitCode: number;
  /** The signal that came, if any. */
  signal: Interrupts["signal"];
  usage: RunUsage;
  /** What the events of its runs add up to. */
  measures: RunMeasures;
  /** What has become of the thresholds, where there are any. */
  thresholds?: readonly JudgedThreshold[] | undefined;
  runId: string;
  /** Does it outlive its process? Then the id is that of its execution. */
  isLasting?: boolean;
  /** With `--json`, what the script printed. */
  printed: string;
  denied: readonly PermissionUse[];
}

type ErrorRecord = NonNullable<LoggedOutcome["error"]>;

const SIGNAL_WORDS = { SIGINT: "interrupted", SIGTERM: "terminated", SIGHUP: "hung up" } as const;
/** Most errors that nobody has looked at that are shown. */
const MAX_UNHANDLED = 5;
const UNHANDLED = "a run has failed, and the script has not looked at its error (event.error or event.cause)";

/** Says how a script ended, on both streams. */
export function reportOutcome(
  outcome: ScriptOutcome,
  end: SessionEnd,
  terminal: Terminal,
  options: ScriptOptions,
): void {
  const { exitCode, signal, usage, measures, thresholds, runId, printed } = end;
  const context = errorContext(outcome, end, options, terminal.colors.stderr);
  const { text } = outcome;
  if (options.json) {
    const toDocument = (error: ScriptError): object => new ErrorReport(error, context).toDocument();
    const facts = { exitCode, usage, measures, thresholds, runId, stdout: printed, toDocument };
    const document = scriptDocument(outcome, facts);
    terminal.flush();
    process.stdout.write(`${toJson(document)}\n`);
  } else if (text !== undefined) terminal.write("stdout", `${text}\n`);
  if (signal !== undefined && !options.quiet) terminal.note(SIGNAL_WORDS[signal]);
  if (!options.quiet) for (const line of lastingLines(outcome, end)) terminal.note(line);
  sayErrors(outcome, context, signal !== undefined, terminal);
  sayEnd(outcome, end, terminal, options);
}

/** Says how a script ended that another process ran: its result, and what it failed with. */
export function tellOutcome(outcome: ScriptOutcome, script: SessionScript, terminal: Terminal): void {
  if (outcome.text !== undefined) terminal.write("stdout", `${outcome.text}\n`);
  const context = errorContext(outcome, { script, ran: undefined, denied: [] }, {}, terminal.colors.stderr);
  sayErrors(outcome, context, false, terminal);
}

/** What an execution that has not ended says of how it goes on. */
function lastingLines({ end, waitsFor = [], isCancelled }: ScriptOutcome, { runId, isLasting }: SessionEnd): string[] {
  if (end === "suspended") return suspendedLines(runId, waitsFor);
  const isInterrupted = isLasting === true && (end === "aborted" || end === "crashed") && isCancelled !== true;
  return isInterrupted ? [`go on with: geppetto-js runs resume ${runId}`] : [];
}

/** The errors of an outcome as data, with their places and what to do about them. */
export function reportedErrors(
  outcome: ScriptOutcome,
  end: SessionEnd,
  options: ScriptOptions,
): Pick<LoggedOutcome, "error" | "unhandledErrors"> {
  const { error, unhandledErrors } = outcome;
  if (error === undefined && unhandledErrors === undefined) return {};
  const context = errorContext(outcome, end, options, false);
  const toRecord = (own: ScriptError): ErrorRecord => new ErrorReport(own, context).toDocument() as ErrorRecord;
  return {
    ...(error === undefined ? {} : { error: toRecord(error) }),
    ...(unhandledErrors === undefined ? {} : { unhandledErrors: unhandledErrors.map(toRecord) }),
  };
}

function errorContext(
  outcome: ScriptOutcome,
  { script: { source, label, folder }, ran, denied }: Pick<SessionEnd, "script" | "ran" | "denied">,
  options: Pick<ScriptOptions, "untrusted">,
  colors: boolean,
): ErrorContext {
  const { error, pending: work, sources } = outcome;
  const isLate = error?.code === "ERR_LIMIT_WALL" && work !== undefined;
  // Where it was interrupted is told: whatever else was pending, it computed.
  const pending = isLate ? (error.stack === undefined ? describePending(work) : "it was computing") : "";
  const { name: file = label, toSourceColumn } = ran ?? {};
  const untrusted = options.untrusted === true;
  return { source, label, file, folder, toSourceColumn, sources, pending, untrusted, denied, colors };
}

function sayErrors(
  { error, unhandledErrors = [] }: ScriptOutcome,
  context: ErrorContext,
  isInterrupted: boolean,
  terminal: Terminal,
): void {
  // After a signal an AbortError says only what the user has just done.
  // What a threshold has made of it is said in lines of its own.
  const isOwn = error !== undefined && error !== unhandledErrors[0] && error.code !== "ERR_THRESHOLD";
  if (isOwn && !(isInterrupted && error.name === "AbortError")) {
    terminal.note(new ErrorReport(error, context).toText());
  }
  const texts = unhandledErrors.map((unhandled) => new ErrorReport(unhandled, { ...context, pending: "" }).toText());
  const reports = [...Map.groupBy(texts, (text) => text)];
  for (const [text, { length }] of reports.slice(0, MAX_UNHANDLED)) {
    terminal.note(`warning: ${length === 1 ? UNHANDLED : `${length} times: ${UNHANDLED}`}:\n${text}`);
  }
  const more = reports.length - MAX_UNHANDLED;
  if (more > 0) terminal.note(`warning: the same with ${formatCount(more, "further error")}`);
}

function sayEnd(
  outcome: ScriptOutcome,
  { usage, exitCode, measures, thresholds = [] }: SessionEnd,
  terminal: Terminal,
  { verbose, stats: wanted }: ScriptOptions,
): void {
  if (verbose) terminal.note(`${outcome.end}, exit ${exitCode}`);
  if (wanted) for (const line of statsBlock(outcome, measures, thresholds)) terminal.note(line);
  else if (verbose) terminal.note(summaryLine(outcome, usage));
}

function summaryLine({ stats }: ScriptOutcome, { calls, inputTokens, outputTokens, cost }: RunUsage): string {
  const { durationMs, cpuMs, turns } = stats;
  return (
    `${durationMs.toFixed(0)} ms, ${cpuMs.toFixed(0)} ms of it computing; ${formatCount(turns, "turn")}, ` +
    `${formatCount(calls, "model call")}, ${formatCount(inputTokens, "token")} in, ${outputTokens} out${cost === undefined ? "" : `, ${formatCost(cost)}`}`
  );
}
