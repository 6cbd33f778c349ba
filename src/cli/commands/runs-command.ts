import { statSync } from "node:fs";
import { escapeControls, replaceFile } from "../../files.ts";
import type { RunLog, RunRecord, RunSummary, StepEvent } from "../../index.ts";
import { reasonOf } from "../session/event-log.ts";
import { EXIT } from "../output/exit-codes.ts";
import { readingReason, readRunLog } from "../session/open-run-log.ts";
import { printLines, printTable } from "../output/print-table.ts";
import { formatCount } from "../options/quantities.ts";
import { runLogFile } from "../session/run-log-file.ts";
import { readDetails } from "../session/run-start.ts";
import { defuse } from "../output/terminal.ts";
import { shortPath } from "../output/short-path.ts";
import { toJson } from "../output/to-json.ts";
import { UsageError } from "../options/usage-error.ts";

export interface ListOptions {
  limit: number;
  script?: string;
  json?: true;
}

/** Characters of a run's id that are shown. */
const SHORT_ID = 8;

/**
 * What `work` finds in the log; undefined where there is none yet.
 *
 * @throws {UsageError} for a log that cannot be read.
 */
export function withRunLog<T>(work: (log: RunLog) => T): T | undefined {
  const file = runLogFile();
  const kind = statSync(file, { throwIfNoEntry: false });
  if (kind === undefined) return undefined;
  try {
    if (kind.isDirectory()) throw new Error("it is a folder");
    if (!kind.isFile()) throw new Error("it is not a regular file");
    using log = readRunLog(file);
    return work(log);
  } catch (error) {
    throw new UsageError(`Cannot read the run log ${shortPath(file)}: ${readingReason(error)}`, EXIT.noFile);
  }
}

/** @throws {UsageError} where there is no such run, or several. */
export function findRun(id: string): RunRecord {
  const found = withRunLog((log) => log.show(id));
  if (found !== undefined) return found;
  const what = id === "last" ? "no run is in the log" : `no run's id, or the ids of several, begin with "${id}"`;
  throw new UsageError(`Cannot find the run: ${what}; geppetto-js runs list shows them`, EXIT.noFile);
}

/** "2026-11-20 05:24:08", in local time. */
function formatTime(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "unknown";
  const local = new Date(ms - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace("T", " ");
}

/** How a run ended, in a word or two. */
export function describeEnd({ outcome, isDamaged }: RunSummary): string {
  if (isDamaged && outcome === undefined) return "damaged";
  if (outcome === undefined) return "no end";
  const { end = "ended", exitCode, error } = outcome;
  if (end === "exit") return `exit ${exitCode ?? 0}`;
  if (error !== undefined) return `${end}: ${error.code ?? error.name}`;
  return exitCode === undefined ? end : `${end}, exit ${exitCode}`;
}

/** `geppetto-js runs list` */
export function listRuns({ limit, script, json }: ListOptions): void {
  const runs = withRunLog((log) => log.list({ limit, ...(script === undefined ? {} : { script }) })) ?? [];
  if (json) {
    printLines(runs.map((run) => toJson(run)));
    return;
  }
  if (runs.length === 0) process.stderr.write("no runs are in the log\n");
  printTable(
    runs.map((run) => [
      run.id.slice(0, SHORT_ID),
      formatTime(run.startedAt),
      run.durationMs === undefined ? "-" : `${run.durationMs} ms`,
      formatCount(run.eventCount, "event"),
      describeEnd(run),
      run.script,
    ]),
  );
}

/** One line per step: its type, how many events it had and how it ended. */
function describeSteps(events: readonly StepEvent[]): string[] {
  const steps = Map.groupBy(events, ({ step }) => step.stepId);
  return [...steps].map(([stepId, own]) => {
    const { type, step, meta } = own.at(-1)!;
    const engine = meta.engine === "" ? "" : ` (${meta.engine})`;
    const { durationMs } = step.metadata;
    const time = durationMs === undefined ? "" : ` after ${durationMs} ms`;
    return `${step.type}${engine} ${stepId.slice(0, SHORT_ID)}: ${formatCount(own.length, "event")}, ${type}${time}`;
  });
}

/** The lines that say what a run was; exported for its fuzzer. */
export function describeRun(run: RunRecord): string[] {
  const { details, isDamaged } = readDetails(run.details);
  const { command, args = [], input, omittedInput, profile, settings, untrusted, replayOf } = details;
  const { error } = run.outcome ?? {};
  const { recordings } = run;
  const facts: [string, string | undefined][] = [
    ["run", run.id],
    ["script", `${run.script} (${command ?? "unknown"}${untrusted ? " --untrusted" : ""})`],
    ["arguments", args.length === 0 ? undefined : args.map((arg) => JSON.stringify(arg)).join(" ")],
    ["input", omittedInput === undefined ? input && formatCount(input.length, "character") : "not kept: too long"],
    ["profile", profile],
    ["model", settings && [settings.chat.provider, settings.chat.model].filter(Boolean).join(":")],
    ["replay of", replayOf],
    ["started", formatTime(run.startedAt)],
    ["took", run.durationMs === undefined ? undefined : `${run.durationMs} ms`],
    ["end", describeEnd(run)],
    ["error", error && `${error.name}: ${error.message}`],
    ["result", run.outcome?.text],
    ["answers", recordings === undefined ? "not kept" : `${formatCount(recordings.length, "answer")} to replay`],
    ["damaged", run.isDamaged || isDamaged ? "a part of this run in the log cannot be read" : undefined],
    ["left out", run.droppedEvents === 0 ? undefined : formatCount(run.droppedEvents, "event")],
    ...describeSteps(run.events).map((line): [string, string] => ["step", line]),
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name.padEnd(width)}  ${inColumn(value, width)}`],
  );
}

/** What scripts and models have written passes for nothing else: more lines of it begin in its own column. */
function inColumn(value: string, width: number): string {
  return defuse(value).replace(/\r?\n|[\v\f\u2028\u2029]/g, `\n${" ".repeat(width + 2)}`);
}

/** `geppetto-js runs show <run>` */
export function showRun(id: string, { json }: { json?: true }): void {
  const run = findRun(id);
  printLines(json ? [toJson(run)] : describeRun(run));
}

/** `geppetto-js runs export <run>` */
export async function exportRun(id: string, { out }: { out?: string }): Promise<void> {
  const run = findRun(id);
  const document = escapeControls(withRunLog((log) => log.export(run.id)) ?? "");
  if (out === undefined) {
    process.stdout.write(document);
    return;
  }
  try {
    await replaceFile(out, document);
  } catch (error) {
    const how = "without --out it goes to stdout";
    throw new UsageError(`Cannot write the run to ${shortPath(out)}: ${reasonOf(error)}; ${how}`, EXIT.output);
  }
}
