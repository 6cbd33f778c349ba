import { existsSync, writeFileSync } from "node:fs";
import type { RunLog, RunRecord, RunSummary, StepEvent } from "../../index.ts";
import { reasonOf } from "../session/event-log.ts";
import { EXIT } from "../output/exit-codes.ts";
import { openRunLog } from "../session/open-run-log.ts";
import { printLines, printTable } from "../output/print-table.ts";
import { formatCount } from "../options/quantities.ts";
import { runLogFile } from "../session/run-log-file.ts";
import type { RunDetails } from "../session/run-start.ts";
import { shortPath } from "../output/short-path.ts";
import { toJson } from "../output/to-json.ts";
import { UsageError } from "../options/usage-error.ts";

export interface ListOptions {
  limit: number;
  script?: string;
  json?: true;
}

/** How long a log that another program writes is waited for, in milliseconds. */
const LOCK_WAIT_MS = 5_000;
/** Characters of a run's id that are shown. */
const SHORT_ID = 8;

/**
 * What `work` finds in the log; undefined where there is none yet.
 *
 * @throws {UsageError} for a log that cannot be read.
 */
export function withRunLog<T>(work: (log: RunLog) => T): T | undefined {
  const file = runLogFile();
  if (!existsSync(file)) return undefined;
  using log = openForReading(file);
  return work(log);
}

function openForReading(file: string): RunLog {
  try {
    return openRunLog(file, { warn: (text) => void process.stderr.write(`${text}\n`), lockWaitMs: LOCK_WAIT_MS });
  } catch (error) {
    throw new UsageError(`Cannot read the run log ${shortPath(file)}: ${(error as Error).message}`, EXIT.noFile);
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
  const local = new Date(ms - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace("T", " ");
}

function describeEnd({ outcome }: RunSummary): string {
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

function describeRun(run: RunRecord): string[] {
  const { command, args, input, omittedInput, profile, settings, untrusted, replayOf } =
    run.details as unknown as RunDetails;
  const { error } = run.outcome ?? {};
  const { recordings } = run;
  const facts: [string, string | undefined][] = [
    ["run", run.id],
    ["script", `${run.script} (${command}${untrusted ? " --untrusted" : ""})`],
    ["arguments", args.length === 0 ? undefined : args.map((arg) => JSON.stringify(arg)).join(" ")],
    ["input", omittedInput === undefined ? input && formatCount(input.length, "character") : "not kept: too long"],
    ["profile", profile],
    ["model", [settings.chat.provider, settings.chat.model].filter(Boolean).join(":")],
    ["replay of", replayOf],
    ["started", formatTime(run.startedAt)],
    ["took", run.durationMs === undefined ? undefined : `${run.durationMs} ms`],
    ["end", describeEnd(run)],
    ["error", error && `${error.name}: ${error.message}`],
    ["result", run.outcome?.text],
    ["answers", recordings === undefined ? "not kept" : `${formatCount(recordings.length, "answer")} to replay`],
    ["left out", run.droppedEvents === 0 ? undefined : formatCount(run.droppedEvents, "event")],
    ...describeSteps(run.events).map((line): [string, string] => ["step", line]),
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(width)}  ${value}`]));
}

/** `geppetto-js runs show <run>` */
export function showRun(id: string, { json }: { json?: true }): void {
  const run = findRun(id);
  printLines(json ? [toJson(run)] : describeRun(run));
}

/** `geppetto-js runs export <run>` */
export function exportRun(id: string, { out }: { out?: string }): void {
  const run = findRun(id);
  const document = withRunLog((log) => log.export(run.id)) ?? "";
  if (out === undefined) {
    process.stdout.write(document);
    return;
  }
  try {
    writeFileSync(out, document);
  } catch (error) {
    throw new UsageError(`Cannot write the run to ${shortPath(out)}: ${reasonOf(error)}`);
  }
}
