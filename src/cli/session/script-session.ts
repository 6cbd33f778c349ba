import { randomUUID } from "node:crypto";
import { isatty } from "node:tty";
import { readRegularFile, reasonOf } from "../../files.ts";
import {
  Budget,
  redactorFor,
  type RuntimeEngine,
  type RuntimeEngineOptions,
  setupDefaults,
  type ConsoleSink,
  type LoggedCall,
  type RunScriptOptions,
  type RunStart,
  type ScriptOutcome,
  type StepEvent,
} from "../../index.ts";
import { ModelRecorder } from "./model-recorder.ts";
import { consents, type Consents } from "../consents/consents.ts";
import { EVENTS_ON_STDERR, openEventLog } from "./event-log.ts";
import { exitCodeOf } from "../../errors.ts";
import { EXIT } from "../output/exit-codes.ts";
import {
  budgetLimitsOf,
  createEngine,
  deterministicOf,
  outsideOf,
  startEngine,
  timeOptions,
  wallsOf,
} from "./engine-options.ts";
import { Interrupts } from "./interrupts.ts";
import { flushTelemetry, telemetryOption } from "../options/telemetry-option.ts";
import { limitsOf, type SessionSettings } from "../options/load-settings.ts";
import { formatCount } from "../options/quantities.ts";
import { PermissionLog } from "./permission-log.ts";
import { readStdin } from "./read-stdin.ts";
import { reportedErrors, reportOutcome, type SessionEnd } from "./report-outcome.ts";
import { RunMonitor } from "./run-monitor.ts";
import { RunKeeper } from "./run-keeper.ts";
import { RunTracer } from "../trace/run-tracer.ts";
import { scriptSink } from "./script-sink.ts";
import { serverOutput } from "../output/server-output.ts";
import { runLogFile } from "./run-log-file.ts";
import { ScriptStore } from "../executions/script-store.ts";
import { toRunStart } from "./run-start.ts";
import { secretsOf, storedSecrets } from "../options/secrets-of.ts";
import type { Candidate, LastingRun, SessionReplay, SessionScript } from "./session-script.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { toJournalEnd } from "./journal-end.ts";
import { startLine, tellEvent } from "../output/session-lines.ts";
import { asCrossed, crossedLines, judgeScript } from "../stats/crossed-thresholds.ts";
import { startStatus } from "./session-status.ts";
import type { StatusLine } from "../output/status-line.ts";
import { Terminal } from "../output/terminal.ts";
import { errorLine, UsageError } from "../options/usage-error.ts";

/** Largest file that a script is given as its input. */
const MAX_INPUT_BYTES = 64_000_000;

/** One script on the command line: the engine around it, its streams and signals, and the report at the end. */
export class ScriptSession {
  readonly #options: ScriptOptions;
  readonly #configured: SessionSettings;
  readonly #replay: SessionReplay | undefined;
  readonly #lasting: LastingRun | undefined;
  readonly #budget: Budget;
  /** What is not to be kept of the run. */
  #secrets: readonly string[];
  readonly #runId: string;
  readonly #terminal: Terminal = new Terminal(process.stdout, process.stderr, process.env);
  readonly #abort: AbortController = new AbortController();
  /** With `--json` what the script prints becomes part of the document. */
  #printed = "";
  #readerGone = false;
  /** Why stdout or stderr cannot be written. */
  #outputFailure: Error | undefined;
  #uses: PermissionLog | undefined;
  #keeper: RunKeeper | undefined;
  #tracer: RunTracer | undefined;
  #engine: RuntimeEngine | undefined;
  /** The candidate that ran last. */
  #ran: Candidate | undefined;

  constructor(
    options: ScriptOptions,
    configured: SessionSettings,
    { replay, lasting, budget }: { replay?: SessionReplay; lasting?: LastingRun; budget?: Budget | undefined } = {},
  ) {
    this.#options = options;
    this.#configured = configured;
    this.#replay = replay;
    this.#lasting = lasting;
    this.#runId = lasting?.id ?? randomUUID();
    this.#secrets = secretsOf(configured.settings, process.env, options.env);
    this.#budget = budget ?? new Budget(budgetLimitsOf(configured.settings.limits));
  }

  /** Runs the script, reports, and sets the process's exit code. */
  async run(script: SessionScript): Promise<void> {
    using terminal = this.#terminal;
    this.#secrets = [...this.#secrets, ...(await storedSecrets(this.#configured.settings, process.env))];
    for (const warning of this.#configured.warnings) this.#notice(warning);
    this.#tracer = RunTracer.open(this.#options);
    const input = await this.#readInput();
    this.#uses = this.#openUses(script);
    const recorder = await this.#openRecorder();
    const log = openEventLog(this.#options.events, (text) => this.#notice(text));
    const keeper = (this.#keeper = this.#startKeeper(script, input));
    for (const warning of this.#configured.warnings) keeper?.journal.said(warning);
    const telemetry = await telemetryOption(process.env, (text) => this.#notice(text));
    await using store = this.#openStore(script);
    await using engine = await this.#createEngine(recorder, telemetry, store);
    const onEvent = (event: StepEvent): void => {
      keeper?.record(event);
      tellEvent(event, this.#options, terminal, log);
    };
    const monitor = new RunMonitor(engine, { onEvent });
    const status = this.#startStatus(monitor);
    const interrupts = new Interrupts({ cancel: () => engine.cancelRuns(), end: () => this.#abort.abort() });
    terminal.onBroken = (failure) => {
      this.#readerGone = true;
      this.#outputFailure = failure;
      this.#abort.abort();
    };
    this.#sayStart(script);
    try {
      await startEngine(engine);
      const ran = await this.#runFirst(engine, script, input);
      const closing = engine.close();
      // The guest's process takes a moment to leave, in which there is nothing else to do.
      keeper?.open();
      await closing;
      await monitor.finished;
      log?.close();
      await recorder.close();
      status?.close();
      const lost = recorder.failure ?? log?.failure;
      if (lost !== undefined) terminal.note(errorLine({ message: lost, code: "ERR_OUTPUT" }));
      const thresholds = judgeScript(this.#configured.settings.thresholds, ran, monitor.measures, this.#budget);
      const crossed = crossedLines(thresholds, this.#budget);
      const ownCode = this.#missCode(recorder) ?? (await exitCodeOf(ran));
      const isCrossed = ownCode === EXIT.ok && crossed.length > 0;
      const outcome = isCrossed ? asCrossed(ran, crossed) : ran;
      const own = isCrossed ? EXIT.uncaught : ownCode;
      // What was asked for and is not there is no success.
      const exitCode = own === EXIT.ok && lost !== undefined ? EXIT.output : own;
      const end = { ...this.#endOf(exitCode, script, monitor, interrupts), thresholds };
      this.#report(outcome, end);
      for (const message of crossed) this.#say(errorLine({ message, code: "ERR_THRESHOLD" }));
      this.#sayMisses(outcome, recorder);
      const how = { ...reportedErrors(outcome, end, this.#options), exitCode: end.exitCode };
      await keeper?.end(outcome, how, toJournalEnd(outcome, end, interrupts.exitCode ?? own));
      await this.#tracer?.write(this.#runId, keeper?.file);
      if (telemetry.telemetry !== undefined) await flushTelemetry();
    } finally {
      keeper?.drop();
      this.#tracer?.close();
      this.#uses.close();
      interrupts.close();
      status?.close();
    }
  }

  async #runFirst(engine: RuntimeEngine, script: SessionScript, input: string | undefined): Promise<ScriptOutcome> {
    const { candidates, loadFailure, args, folder } = script;
    const { env = {} } = this.#options;
    const given = { args, env, signal: this.#abort.signal, ...(input === undefined ? {} : { input }) };
    // An execution that lasts has an id of its own.
    const named = this.#lasting === undefined ? { runId: this.#runId } : this.#lastingOptions(script, input);
    const options = { ...given, ...named };
    const failed: ScriptOutcome[] = [];
    for (const candidate of candidates) {
      this.#ran = candidate;
      const { toSourceColumn: _, ...source } = candidate;
      const outcome = await engine.runScript({ ...source, ...(folder === undefined ? {} : { folder }) }, options);
      if (outcome.end !== "load") return outcome;
      failed.push(outcome);
    }
    return loadFailure?.(failed) ?? failed.at(-1)!;
  }

  async #createEngine(
    { wrap, wrapEmbeddings, wrapFetch, wrapMcp }: ModelRecorder,
    telemetry: Pick<RuntimeEngineOptions, "telemetry">,
    store: ScriptStore,
  ): Promise<RuntimeEngine> {
    const { settings } = this.#configured;
    const { chat, embeddings, tools } = settings;
    const { approve: _, ...toolSettings } = tools;
    const { onApprove, answers, onElicit } = this.#consent();
    const { untrusted } = this.#options;
    const onServerOutput = serverOutput(this.#options, (text) => this.#terminal.note(text));
    const outside = await outsideOf(settings, { untrusted, onServerOutput, onElicit });
    try {
      return (this.#engine = createEngine({
        ...wallsOf(settings, this.#options.untrusted),
        ...timeOptions(this.#options),
        ...telemetry,
        ...(this.#keeper === undefined ? {} : { journal: this.#keeper.journal }),
        ...(this.#replay?.ops === undefined ? {} : { recordedOps: this.#replay.ops }),
        onPermission: (use) => this.#uses?.note(use),
        console: this.#sink(),
        setup: [
          setupDefaults({
            chat,
            embeddings,
            budget: this.#budget,
            ...outside,
            ...(onApprove ? { onApprove } : {}),
            ...toolSettings,
            wrap,
            wrapEmbeddings,
            wrapFetch,
            wrapMcp,
            onNotice: (text) => this.#notice(text),
          }),
        ],
        answers,
        store,
      }));
    } catch (error) {
      this.#keeper?.drop();
      throw error;
    }
  }

  #openStore(script: SessionScript): ScriptStore {
    return new ScriptStore(script, {
      profile: this.#configured.profile,
      isUntrusted: this.#options.untrusted === true,
      isFresh: this.#replay !== undefined || deterministicOf(this.#options).deterministic !== undefined,
      journal: this.#lasting?.journal,
    });
  }

  #sink(): ConsoleSink {
    const { json } = this.#options;
    return scriptSink({
      terminal: this.#terminal.sink(),
      ...(json ? { toDocument: (text: string) => void (this.#printed += text) } : {}),
      onPrint: (stream, text) => this.#keeper?.print(stream, text),
      onPromise: () =>
        this.#notice("hint: the script prints a promise, which shows nothing of its value: await it first"),
    });
  }

  #consent(): Consents {
    const { approve: when = "always" } = this.#configured.settings.tools;
    // Not of process.stdin, which would be opened for this.
    const isInteractive = isatty(0) && process.stderr.isTTY;
    return consents({
      when,
      terminal: this.#terminal,
      isInteractive,
      ...(this.#lasting ? { lasting: () => this.#engine! } : {}),
    });
  }

  #lastingOptions(script: SessionScript, input: string | undefined): RunScriptOptions {
    if (this.#lasting === undefined) return {};
    const { details, input: _, ...lasting } = this.#lasting;
    const { suspendAfterMs } = this.#configured.settings.durable;
    const kept = details && { details: details(this.#toStart(script, input)) };
    return { ...lasting, ...kept, suspendAfterMs, exitCodeOf };
  }

  #notice(text: string): void {
    this.#keeper?.journal.said(text);
    this.#warn(text);
  }

  /** Why the run has failed: said even where the user wants it quiet. */
  #say(text: string): void {
    this.#keeper?.journal.said(text);
    if (!this.#readerGone) this.#terminal.note(text);
  }

  /** Of this execution alone: a replay does not say it again. */
  #warn(text: string): void {
    if (!this.#options.quiet) this.#terminal.note(text);
  }

  #openRecorder(): Promise<ModelRecorder> {
    const { record, replay, log } = this.#options;
    const keep = log || this.#tracer !== undefined;
    const from = this.#replay?.recordings ?? replay;
    const onCall = keep ? (call: LoggedCall): void => this.#keeper?.noteCall(call) : undefined;
    const redact = redactorFor(this.#secrets);
    return ModelRecorder.open({ record, replay: from, onCall, redact, warn: (text) => this.#notice(text) });
  }

  #startKeeper(script: SessionScript, input: string | undefined): RunKeeper | undefined {
    // An execution that lasts has a journal of its own.
    if (this.#lasting !== undefined) return undefined;
    const tracer = this.#tracer;
    if (!this.#options.log && tracer === undefined) return undefined;
    const start = this.#toStart(script, input);
    const spareFile = tracer && ((): string => tracer.spareLog);
    const file = this.#options.log ? runLogFile() : tracer!.spareLog;
    return new RunKeeper({ file, spareFile, start, secrets: this.#secrets, warn: (text) => this.#warn(text) });
  }

  #toStart(script: SessionScript, input: string | undefined): RunStart {
    const { settings, profile } = this.#configured;
    const facts = { id: this.#runId, options: this.#options, settings, profile, input, replayOf: this.#replay?.of };
    return toRunStart(script, facts);
  }

  /** The exit code of another script on the answers of a run, where it asked what they do not answer. */
  #missCode(recorder: ModelRecorder): number | undefined {
    return this.#firstMiss(recorder) === undefined ? undefined : EXIT.replay;
  }

  #firstMiss({ firstMiss }: ModelRecorder): Error | undefined {
    return this.#replay?.isChanged ? (firstMiss ?? this.#replay.ops?.firstMiss) : undefined;
  }

  /** A script that goes on without an answer does so unnoticed, but for this. */
  #sayMisses({ ok }: ScriptOutcome, recorder: ModelRecorder): void {
    const { misses } = recorder;
    const firstMiss = this.#firstMiss(recorder);
    if (ok && firstMiss !== undefined)
      this.#terminal.note(errorLine({ message: firstMiss.message, code: "ERR_REPLAY_MISS" }));
    else if (ok && misses > 0) this.#notice(`${formatCount(misses, "request")} had no recorded answer`);
  }

  async #readInput(): Promise<string | undefined> {
    const { input } = this.#options;
    if (input === undefined) return this.#replay?.input ?? this.#lasting?.input;
    if (input === "-") return readStdin("the input", MAX_INPUT_BYTES);
    let text: string | undefined;
    try {
      text = readRegularFile(input, { maxBytes: MAX_INPUT_BYTES });
    } catch (error) {
      throw new UsageError(`Cannot read the input ${input}: ${reasonOf(error)}; --input - reads stdin`, EXIT.noFile);
    }
    if (text === undefined)
      throw new UsageError(`Cannot read the input ${input}: there is no such file or folder`, EXIT.noFile);
    return text;
  }

  #openUses({ label: script }: SessionScript): PermissionLog {
    const { GEPPETTO_AUDIT: file } = process.env;
    return new PermissionLog({ file, runId: this.#runId, script, warn: (text) => this.#notice(text) });
  }

  #startStatus(monitor: RunMonitor): StatusLine | undefined {
    const { quiet, json, events } = this.#options;
    return quiet || json || events === EVENTS_ON_STDERR ? undefined : startStatus(this.#terminal, monitor);
  }

  #sayStart({ label }: SessionScript): void {
    const { verbose, untrusted } = this.#options;
    const limits = limitsOf(this.#configured.settings.limits, untrusted);
    if (verbose) this.#terminal.note(startLine(label, this.#configured, limits, untrusted));
  }

  #endOf(own: number, script: SessionScript, { measures }: RunMonitor, { exitCode, signal }: Interrupts): SessionEnd {
    const broken = this.#outputFailure === undefined ? EXIT.ok : EXIT.output;
    return {
      script,
      ran: this.#ran,
      exitCode: exitCode ?? (this.#readerGone ? broken : own),
      signal,
      usage: measures.usage,
      measures,
      runId: this.#runId,
      printed: this.#printed,
      denied: this.#uses?.denied ?? [],
      isLasting: this.#lasting !== undefined,
    };
  }

  #report(outcome: ScriptOutcome, end: SessionEnd): void {
    process.exitCode = end.exitCode;
    if (!this.#readerGone) reportOutcome(outcome, end, this.#terminal, this.#options);
  }
}
