import { readFileSync } from "node:fs";
import { text as readText } from "node:stream/consumers";
import { GeppettoError, RuntimeEngine, setupDefaults, type ScriptOutcome, type StepEvent } from "../index.ts";
import { EVENTS_ON_STDERR, EventLog, reasonOf } from "./event-log.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { Interrupts } from "./interrupts.ts";
import { formatCount, formatDuration } from "./quantities.ts";
import { formatError, type ErrorContext } from "./report-error.ts";
import { RunMonitor } from "./run-monitor.ts";
import { scriptDocument } from "./script-document.ts";
import type { ScriptOptions } from "./script-options.ts";
import { StatusLine } from "./status-line.ts";
import { Terminal } from "./terminal.ts";
import { toJson } from "./to-json.ts";
import { UsageError } from "./usage-error.ts";

/** One way to read what the user wrote. */
export interface Candidate {
  name: string;
  code: string;
  lineOffset?: number;
  /** See {@link ErrorContext.toSourceColumn}. */
  toSourceColumn?: (line: number, column: number) => number;
}

/** What to run, and how to show where it failed. */
export interface SessionScript {
  /** The first that loads is run. */
  candidates: readonly Candidate[];
  /** Which candidate's failure is shown when none loads; default the last one's. */
  loadFailure?: (outcomes: readonly ScriptOutcome[]) => ScriptOutcome;
  /** What the user wrote, for the code frame of an error. */
  source: string;
  /** What the user calls the script. */
  label: string;
  args: readonly string[];
}

/** How long before the time limit is noted what is still pending, in milliseconds. */
const LAST_LOOK_MS = 10;

/** One script on the command line: the engine around it, its streams and signals, and the report at the end. */
export class ScriptSession {
  readonly #options: ScriptOptions;
  readonly #terminal: Terminal = new Terminal(process.stdout, process.stderr, process.env);
  readonly #abort: AbortController = new AbortController();
  /** With `--json` what the script prints becomes part of the document. */
  #printed = "";
  #readerGone = false;
  /** What was pending when the time was up. */
  #pending = "";
  /** The candidate that ran last. */
  #ran: Candidate | undefined;

  constructor(options: ScriptOptions) {
    this.#options = options;
  }

  /** Runs the script, reports, and sets the process's exit code. */
  async run(script: SessionScript): Promise<void> {
    const input = await this.#readInput();
    const log = this.#openLog();
    await using engine = this.#createEngine();
    const monitor = new RunMonitor(engine, { onEvent: (event) => this.#onEvent(event, log) });
    const status = this.#startStatus(monitor);
    const interrupts = new Interrupts({ cancel: () => engine.cancelRuns(), end: () => this.#abort.abort() });
    this.#terminal.onBroken = () => {
      this.#readerGone = true;
      this.#abort.abort();
    };
    this.#sayStart(script);
    try {
      await start(engine);
      const outcome = await this.#runFirst(engine, monitor, script, input);
      await engine.close();
      await monitor.finished;
      log?.close();
      status?.close();
      this.#report(outcome, script, monitor, interrupts);
    } finally {
      interrupts.close();
      status?.close();
    }
  }

  async #runFirst(
    engine: RuntimeEngine,
    monitor: RunMonitor,
    { candidates, loadFailure, args }: SessionScript,
    input: string | undefined,
  ): Promise<ScriptOutcome> {
    const { env = {}, timeout } = this.#options;
    const options = { args, env, signal: this.#abort.signal, ...(input === undefined ? {} : { input }) };
    const failed: ScriptOutcome[] = [];
    for (const script of candidates) {
      const lastLook = setTimeout(() => (this.#pending = describePending(engine, monitor)), timeout - LAST_LOOK_MS);
      this.#ran = script;
      const { toSourceColumn: _, ...source } = script;
      const outcome = await engine.runScript(source, options);
      clearTimeout(lastLook);
      if (outcome.end !== "load") return outcome;
      failed.push(outcome);
    }
    return loadFailure?.(failed) ?? failed.at(-1)!;
  }

  #createEngine(): RuntimeEngine {
    const { model, memory, timeout, isolation, json } = this.#options;
    const sink = this.#terminal.sink();
    try {
      return new RuntimeEngine({
        isolation,
        limits: { memoryMB: memory, wallMs: timeout },
        console: json ? { ...sink, stdout: (text) => void (this.#printed += text), colors: NO_COLORS } : sink,
        setup: [setupDefaults({ ...(model ? { chat: model } : {}), onNotice: (text) => this.#notice(text) })],
      });
    } catch (error) {
      if (error instanceof GeppettoError) throw new UsageError(error.message, EXIT.config);
      throw error;
    }
  }

  #notice(text: string): void {
    if (!this.#options.quiet) this.#terminal.note(text);
  }

  async #readInput(): Promise<string | undefined> {
    const { input } = this.#options;
    if (input === undefined) return undefined;
    if (input === "-") return readText(process.stdin);
    try {
      return readFileSync(input, "utf8");
    } catch (error) {
      throw new UsageError(`Cannot read the input ${input}: ${reasonOf(error)}`, EXIT.noFile);
    }
  }

  #openLog(): EventLog | undefined {
    const { events } = this.#options;
    if (events === undefined || events === EVENTS_ON_STDERR) return undefined;
    return new EventLog(events, (text) => this.#notice(text));
  }

  #onEvent(event: StepEvent, log: EventLog | undefined): void {
    if (log !== undefined) log.write(event);
    else if (this.#options.events !== undefined) this.#terminal.note(toJson(event));
    if (this.#options.verbose) this.#sayEvent(event);
  }

  #startStatus(monitor: RunMonitor): StatusLine | undefined {
    const { quiet, json, events } = this.#options;
    const { CI, TERM } = process.env;
    if (!process.stderr.isTTY || quiet || json || events === EVENTS_ON_STDERR || CI || TERM === "dumb")
      return undefined;
    const startedAt = performance.now();
    const status = new StatusLine(process.stderr, {
      isFree: () => this.#terminal.atLineStart,
      describe: () => {
        const { calls, inputTokens, outputTokens } = monitor.usage;
        const seconds = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
        const runs = monitor.describeActive();
        const tokens = formatCount(inputTokens + outputTokens, "token");
        return [runs === "" ? "running" : runs, formatCount(calls, "call"), tokens, seconds].join(" · ");
      },
    });
    this.#terminal.onWrite = () => status.erase();
    return status;
  }

  #sayStart({ label }: SessionScript): void {
    if (!this.#options.verbose) return;
    const { model, isolation, memory, timeout } = this.#options;
    const { provider, model: name = "its default model" } = model ?? { provider: "embedded", model: "demo" };
    this.#terminal.note(
      `${label}: ${provider}:${name}, ${isolation} isolation, ${memory} MB, ${formatDuration(timeout)}`,
    );
  }

  #sayEvent({ type, step, meta }: StepEvent): void {
    if (type === "partial") return;
    const engine = meta.engine === "" ? "" : ` (${meta.engine})`;
    const { durationMs } = step.metadata;
    const time = durationMs === undefined ? "" : ` after ${durationMs} ms`;
    this.#terminal.note(`${step.type}${engine} ${step.stepId.slice(0, 8)}: ${type}${time}`);
  }

  #report(outcome: ScriptOutcome, script: SessionScript, { usage }: RunMonitor, interrupts: Interrupts): void {
    if (this.#readerGone) {
      process.exitCode = EXIT.ok;
      return;
    }
    const exitCode = interrupts.exitCode ?? exitCodeOf(outcome);
    process.exitCode = exitCode;
    const { error, text } = outcome;
    if (this.#options.json) {
      const document = scriptDocument(outcome, { exitCode, usage, stdout: this.#printed });
      process.stdout.write(`${toJson(document)}\n`);
    } else if (outcome.ok && text !== undefined) this.#terminal.write("stdout", `${text}\n`);
    const { signal } = interrupts;
    if (signal !== undefined) this.#notice(signal === "SIGINT" ? "interrupted" : "terminated");
    // After a signal an AbortError says only what the user has just done.
    if (error !== undefined && !(signal !== undefined && error.name === "AbortError")) {
      this.#terminal.note(formatError(error, this.#errorContext(script, error.code)));
    }
    this.#sayEnd(outcome, usage, exitCode);
  }

  #errorContext({ source, label }: SessionScript, code: string | undefined): ErrorContext {
    const pending = code === "ERR_LIMIT_WALL" ? this.#pending : "";
    const { name: file = label, toSourceColumn } = this.#ran ?? {};
    return { source, label, file, toSourceColumn, pending, colors: this.#terminal.colors.stderr };
  }

  #sayEnd(
    { end, stats }: ScriptOutcome,
    { calls, inputTokens, outputTokens }: RunMonitor["usage"],
    exitCode: number,
  ): void {
    const { verbose, stats: wanted } = this.#options;
    if (verbose) this.#terminal.note(`${end}, exit ${exitCode}`);
    if (!verbose && !wanted) return;
    const { durationMs, cpuMs, turns } = stats;
    this.#terminal.note(
      `${durationMs.toFixed(0)} ms, ${cpuMs.toFixed(0)} ms of it computing; ${formatCount(turns, "turn")}, ` +
        `${formatCount(calls, "model call")}, ${formatCount(inputTokens, "token")} in, ${outputTokens} out`,
    );
  }
}

const NO_COLORS = { stdout: false, stderr: false };

/** Starts the engine; settings that cannot be used are the user's to mend, all else is a bug. */
async function start(engine: RuntimeEngine): Promise<void> {
  try {
    await engine.start();
  } catch (error) {
    const { cause } = error as Error;
    if (cause instanceof GeppettoError && cause.name === "ConfigError")
      throw new UsageError(cause.message, EXIT.config);
    throw error;
  }
}

function describePending(engine: RuntimeEngine, monitor: RunMonitor): string {
  const { timers, ops } = engine.stats();
  const runs = monitor.describeActive();
  const parts = [runs, timers > 0 ? formatCount(timers, "timer") : "", ops > 0 ? formatCount(ops, "operation") : ""];
  const pending = parts.filter((part) => part !== "").join(", ");
  return pending === "" ? "it was computing: nothing was pending" : `it was waiting for ${pending}`;
}
