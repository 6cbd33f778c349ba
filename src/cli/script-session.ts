import { createWriteStream, readFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { text as readText } from "node:stream/consumers";
import type { Writable } from "node:stream";
import {
  GeppettoError,
  RuntimeEngine,
  setupDefaults,
  type ConsoleSink,
  type ModelSettings,
  type Script,
  type ScriptOutcome,
  type StepEvent,
} from "../index.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { formatError } from "./report-error.ts";
import { terminalSink } from "./terminal.ts";
import { toJson } from "./to-json.ts";
import { UsageError } from "./usage-error.ts";

/** The options that `run` and `eval` share. */
export interface ScriptOptions {
  model?: ModelSettings;
  env?: Record<string, string>;
  input?: string;
  json?: true;
  /** "-" is stderr. */
  events?: string | true;
  stats?: true;
  quiet?: true;
  timeout: number;
  memory: number;
}

interface Totals {
  calls: number;
  inputTokens: number;
  outputTokens: number;
}

/** One script on the command line: the engine around it, its streams and signals, and the report at the end. */
export class ScriptSession {
  readonly #options: ScriptOptions;
  readonly #sink: ConsoleSink;
  readonly #usage: Totals = { calls: 0, inputTokens: 0, outputTokens: 0 };
  readonly #abort = new AbortController();
  /** With `--json` what the script prints becomes part of the document. */
  #printed = "";
  #signalled: "SIGINT" | "SIGTERM" | undefined;

  constructor(options: ScriptOptions) {
    this.#options = options;
    const sink = terminalSink();
    this.#sink = options.json
      ? { stdout: (text) => void (this.#printed += text), stderr: sink.stderr }
      : sink;
  }

  /**
   * Runs the first of the candidates that loads, reports, and sets the process's exit code.
   *
   * @param source what the user wrote, for the code frame of an error
   */
  async run(candidates: readonly Script[], source: string, args: readonly string[]): Promise<void> {
    const input = await this.#readInput();
    await using engine = this.#createEngine();
    const events = this.#watchEvents(engine);
    const stopListening = this.#listen(engine);
    try {
      await engine.start();
      const runOptions = {
        args,
        env: this.#options.env ?? {},
        signal: this.#abort.signal,
        ...(input === undefined ? {} : { input }),
      };
      let outcome: ScriptOutcome | undefined;
      for (const script of candidates) {
        outcome = await engine.runScript(script, runOptions);
        if (outcome.end !== "load") break;
      }
      await engine.close();
      await events;
      this.#report(outcome!, source);
    } finally {
      stopListening();
    }
  }

  #createEngine(): RuntimeEngine {
    const { model, quiet, timeout, memory } = this.#options;
    try {
      return new RuntimeEngine({
        limits: { memoryMB: memory, wallMs: timeout },
        console: this.#sink,
        setup: [
          setupDefaults({
            ...(model ? { chat: model } : {}),
            onNotice: (text) => {
              if (!quiet) process.stderr.write(`${text}\n`);
            },
          }),
        ],
      });
    } catch (error) {
      if (error instanceof GeppettoError) throw new UsageError(error.message, EXIT.config);
      throw error;
    }
  }

  async #readInput(): Promise<string | undefined> {
    const { input } = this.#options;
    if (input === undefined) return undefined;
    if (input === "-") return readText(process.stdin);
    try {
      return readFileSync(input, "utf8");
    } catch (error) {
      throw new UsageError(`Cannot read the input ${input}: ${(error as Error).message}`, EXIT.noFile);
    }
  }

  /** Counts what the runs use and writes their events; resolves when the engine has closed and all is written. */
  async #watchEvents(engine: RuntimeEngine): Promise<void> {
    const { events, json, stats } = this.#options;
    if (events === undefined && !json && !stats) return;
    const target = events === undefined ? undefined : openEvents(events);
    for await (const { payload: event, ack } of engine.bus.subscribe<StepEvent>("step.*")) {
      this.#count(event);
      if (target !== undefined && !target.write(`${toJson(event)}\n`)) await once(target, "drain");
      ack();
    }
    if (target !== undefined && target !== process.stderr) {
      target.end();
      await once(target, "finish");
    }
  }

  #count(event: StepEvent): void {
    if (event.type !== "final") return;
    const { usage } = event.step.metadata as { usage?: { inputTokens?: number; outputTokens?: number } };
    if (usage === undefined) return;
    this.#usage.calls++;
    this.#usage.inputTokens += usage.inputTokens ?? 0;
    this.#usage.outputTokens += usage.outputTokens ?? 0;
  }

  /** The first Ctrl-C cancels what runs, so that the script can say so; the second ends it. */
  #listen(engine: RuntimeEngine): () => void {
    const onInterrupt = (): void => {
      const again = this.#signalled !== undefined;
      this.#signalled ??= "SIGINT";
      if (again || engine.cancelRuns() === 0) this.#abort.abort();
    };
    const onTerminate = (): void => {
      this.#signalled = "SIGTERM";
      this.#abort.abort();
    };
    process.on("SIGINT", onInterrupt);
    process.on("SIGTERM", onTerminate);
    return () => {
      process.off("SIGINT", onInterrupt);
      process.off("SIGTERM", onTerminate);
    };
  }

  #report(outcome: ScriptOutcome, source: string): void {
    const exitCode =
      this.#signalled === undefined
        ? exitCodeOf(outcome)
        : this.#signalled === "SIGINT"
          ? EXIT.interrupted
          : EXIT.terminated;
    const { error, text, stats } = outcome;
    if (this.#options.json) process.stdout.write(`${toJson(this.#document(outcome, exitCode))}\n`);
    else if (outcome.ok && text !== undefined) this.#sink.stdout(`${text}\n`);
    if (error !== undefined && !(outcome.end === "aborted" && this.#signalled !== undefined)) {
      process.stderr.write(formatError(error, source));
    }
    if (this.#options.stats) {
      const { calls, inputTokens, outputTokens } = this.#usage;
      process.stderr.write(
        `${stats.durationMs.toFixed(0)} ms, ${stats.cpuMs.toFixed(0)} ms of it computing, ${stats.turns} turns, ` +
          `${calls} model calls, ${inputTokens} tokens in, ${outputTokens} out\n`,
      );
    }
    process.exitCode = exitCode;
  }

  #document(outcome: ScriptOutcome, exitCode: number): object {
    const { ok, value, error, stats, end } = outcome;
    const { fromHost: _, ...shown } = error ?? { fromHost: false };
    return {
      ok: ok && exitCode === 0,
      result: value ?? null,
      error: error === undefined ? null : shown,
      usage: this.#usage,
      durationMs: Math.round(stats.durationMs),
      runId: randomUUID(),
      end,
      exitCode,
      stdout: this.#printed,
    };
  }
}

function openEvents(target: string | true): Writable {
  return target === true || target === "-" ? process.stderr : createWriteStream(target);
}
