import { randomUUID } from "node:crypto";
import { isatty } from "node:tty";
import { readRegularFile, reasonOf } from "../../files.ts";
import {
  Budget,
  GeppettoError,
  redactorFor,
  RuntimeEngine,
  type RuntimeEngineOptions,
  setupDefaults,
  type ApproveCall,
  type ConsoleSink,
  type LoggedCall,
  type PermissionOptions,
  type ScriptOutcome,
  type StepEvent,
} from "../../index.ts";
import { ModelRecorder } from "./model-recorder.ts";
import { approveCalls } from "./approve-calls.ts";
import { EVENTS_ON_STDERR, openEventLog } from "./event-log.ts";
import { exitCodeOf } from "../../errors.ts";
import { EXIT } from "../output/exit-codes.ts";
import { noteGuestThread } from "./guest-threads.ts";
import { Interrupts } from "./interrupts.ts";
import { limitsOf, type SessionSettings } from "../options/load-settings.ts";
import { formatCount } from "../options/quantities.ts";
import { PermissionLog } from "./permission-log.ts";
import { readStdin } from "./read-stdin.ts";
import { reportedErrors, reportOutcome, type SessionEnd } from "./report-outcome.ts";
import { RunMonitor } from "./run-monitor.ts";
import { RunKeeper } from "./run-keeper.ts";
import { scriptSink } from "./script-sink.ts";
import { runLogFile } from "./run-log-file.ts";
import { toRunStart } from "./run-start.ts";
import { secretsOf } from "../options/secrets-of.ts";
import type { Candidate, SessionReplay, SessionScript } from "./session-script.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { toJournalEnd } from "./journal-end.ts";
import { startLine, tellEvent } from "../output/session-lines.ts";
import { startStatus } from "./session-status.ts";
import type { StatusLine } from "../output/status-line.ts";
import { Terminal } from "../output/terminal.ts";
import { UsageError } from "../options/usage-error.ts";

/** Largest file that a script is given as its input. */
const MAX_INPUT_BYTES = 64_000_000;

/** One script on the command line: the engine around it, its streams and signals, and the report at the end. */
export class ScriptSession {
  readonly #options: ScriptOptions;
  readonly #configured: SessionSettings;
  readonly #replay: SessionReplay | undefined;
  readonly #limits: ReturnType<typeof limitsOf>;
  /** What is not to be kept of the run. */
  readonly #secrets: readonly string[];
  readonly #runId: string = randomUUID();
  readonly #terminal: Terminal = new Terminal(process.stdout, process.stderr, process.env);
  readonly #abort: AbortController = new AbortController();
  /** With `--json` what the script prints becomes part of the document. */
  #printed = "";
  #readerGone = false;
  /** Why stdout or stderr cannot be written. */
  #outputFailure: Error | undefined;
  #uses: PermissionLog | undefined;
  #keeper: RunKeeper | undefined;
  /** The candidate that ran last. */
  #ran: Candidate | undefined;

  constructor(options: ScriptOptions, configured: SessionSettings, replay?: SessionReplay) {
    this.#options = options;
    this.#configured = configured;
    this.#replay = replay;
    this.#secrets = secretsOf(configured.settings, process.env, options.env);
    this.#limits = limitsOf(configured.settings.limits, options.untrusted);
  }

  /** Runs the script, reports, and sets the process's exit code. */
  async run(script: SessionScript): Promise<void> {
    for (const warning of this.#configured.warnings) this.#notice(warning);
    const input = await this.#readInput();
    this.#uses = this.#openUses(script);
    const recorder = await this.#openRecorder();
    const log = openEventLog(this.#options.events, (text) => this.#notice(text));
    const keeper = (this.#keeper = this.#startKeeper(script, input));
    for (const warning of this.#configured.warnings) keeper?.journal.said(warning);
    await using engine = this.#createEngine(recorder);
    const onEvent = (event: StepEvent): void => {
      keeper?.record(event);
      tellEvent(event, this.#options, this.#terminal, log);
    };
    const monitor = new RunMonitor(engine, { onEvent });
    const status = this.#startStatus(monitor);
    const interrupts = new Interrupts({ cancel: () => engine.cancelRuns(), end: () => this.#abort.abort() });
    this.#terminal.onBroken = (failure) => {
      this.#readerGone = true;
      this.#outputFailure = failure;
      this.#abort.abort();
    };
    this.#sayStart(script);
    try {
      await start(engine);
      const outcome = await this.#runFirst(engine, script, input);
      const closing = engine.close();
      // The guest's process takes a moment to leave, in which there is nothing else to do.
      keeper?.open();
      await closing;
      await monitor.finished;
      log?.close();
      await recorder.close();
      status?.close();
      const lost = recorder.failure ?? log?.failure;
      if (lost !== undefined) this.#terminal.note(`error: ${lost}`);
      const own = this.#missCode(recorder) ?? (await exitCodeOf(outcome));
      // What was asked for and is not there is no success.
      const exitCode = own === EXIT.ok && lost !== undefined ? EXIT.output : own;
      const end = this.#endOf(exitCode, script, monitor, interrupts);
      this.#report(outcome, end);
      this.#sayMisses(outcome, recorder);
      const how = { ...reportedErrors(outcome, end, this.#options), exitCode: end.exitCode };
      await keeper?.end(outcome, how, toJournalEnd(outcome, end, interrupts.exitCode ?? own));
    } finally {
      keeper?.drop();
      this.#uses.close();
      interrupts.close();
      status?.close();
    }
  }

  async #runFirst(
    engine: RuntimeEngine,
    { candidates, loadFailure, args, folder }: SessionScript,
    input: string | undefined,
  ): Promise<ScriptOutcome> {
    const { env = {} } = this.#options;
    const options = { args, env, signal: this.#abort.signal, ...(input === undefined ? {} : { input }) };
    const failed: ScriptOutcome[] = [];
    for (const script of candidates) {
      this.#ran = script;
      const { toSourceColumn: _, ...source } = script;
      const outcome = await engine.runScript({ ...source, ...(folder === undefined ? {} : { folder }) }, options);
      if (outcome.end !== "load") return outcome;
      failed.push(outcome);
    }
    return loadFailure?.(failed) ?? failed.at(-1)!;
  }

  #createEngine({ wrap, wrapEmbeddings }: ModelRecorder): RuntimeEngine {
    const { untrusted, env = {} } = this.#options;
    const { chat, embeddings, limits, tools, permissions, isolation = "process" } = this.#configured.settings;
    const { approve: _, ...toolSettings } = tools;
    const onApprove = this.#approve();
    if (isolation === "thread") noteGuestThread();
    try {
      return new RuntimeEngine({
        isolation,
        hardening: untrusted ? "strict" : "standard",
        ...(env["TZ"] ? { timeZone: env["TZ"] } : {}),
        ...this.#deterministic(),
        limits: this.#limits,
        ...(this.#keeper === undefined ? {} : { journal: this.#keeper.journal }),
        ...(this.#replay?.ops === undefined ? {} : { recordedOps: this.#replay.ops }),
        permissions: untrusted ? NOTHING : permissions,
        onPermission: (use) => this.#uses?.note(use),
        console: this.#sink(),
        setup: [
          setupDefaults({
            chat,
            embeddings,
            budget: new Budget(limits),
            ...(onApprove ? { onApprove } : {}),
            ...toolSettings,
            wrap,
            wrapEmbeddings,
            onNotice: (text) => this.#notice(text),
          }),
        ],
      });
    } catch (error) {
      this.#keeper?.drop();
      if (error instanceof GeppettoError) throw new UsageError(error.message, EXIT.config, error.code);
      throw error;
    }
  }

  /** A seed and a time are for nothing else. */
  #deterministic(): Pick<RuntimeEngineOptions, "deterministic"> {
    const { deterministic, seed, now } = this.#options;
    if (deterministic === undefined && seed === undefined && now === undefined) return {};
    return { deterministic: { ...(seed === undefined ? {} : { seed }), ...(now === undefined ? {} : { now }) } };
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

  #approve(): ApproveCall | undefined {
    const { approve: when = "always" } = this.#configured.settings.tools;
    // Not of process.stdin, which would be opened for this.
    const isInteractive = isatty(0) && process.stderr.isTTY;
    return approveCalls({ when, terminal: this.#terminal, isInteractive });
  }

  #notice(text: string): void {
    this.#keeper?.journal.said(text);
    this.#warn(text);
  }

  /** Of this execution alone: a replay does not say it again. */
  #warn(text: string): void {
    if (!this.#options.quiet) this.#terminal.note(text);
  }

  #openRecorder(): Promise<ModelRecorder> {
    const { record, replay, log: keep } = this.#options;
    const from = this.#replay?.recordings ?? replay;
    const onCall = keep ? (call: LoggedCall): void => this.#keeper?.noteCall(call) : undefined;
    const redact = redactorFor(this.#secrets);
    return ModelRecorder.open({ record, replay: from, onCall, redact, warn: (text) => this.#notice(text) });
  }

  #startKeeper(script: SessionScript, input: string | undefined): RunKeeper | undefined {
    if (!this.#options.log) return undefined;
    const { settings, profile } = this.#configured;
    const facts = { id: this.#runId, options: this.#options, settings, profile, input, replayOf: this.#replay?.of };
    const start = toRunStart(script, facts);
    return new RunKeeper({ file: runLogFile(), start, secrets: this.#secrets, warn: (text) => this.#warn(text) });
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
    if (ok && firstMiss !== undefined) this.#terminal.note(`error: ${firstMiss.message}`);
    else if (ok && misses > 0) this.#notice(`${formatCount(misses, "request")} had no recorded answer`);
  }

  async #readInput(): Promise<string | undefined> {
    const { input } = this.#options;
    if (input === undefined) return this.#replay?.input;
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
    if (verbose) this.#terminal.note(startLine(label, this.#configured, this.#limits, untrusted));
  }

  #endOf(own: number, script: SessionScript, { usage }: RunMonitor, { exitCode, signal }: Interrupts): SessionEnd {
    const broken = this.#outputFailure === undefined ? EXIT.ok : EXIT.output;
    return {
      script,
      ran: this.#ran,
      exitCode: this.#readerGone ? broken : (exitCode ?? own),
      signal,
      usage,
      runId: this.#runId,
      printed: this.#printed,
      denied: this.#uses?.denied ?? [],
    };
  }

  #report(outcome: ScriptOutcome, end: SessionEnd): void {
    process.exitCode = end.exitCode;
    if (!this.#readerGone) reportOutcome(outcome, end, this.#terminal, this.#options);
  }
}

/** What `--untrusted` allows: not even modules below the script's own folder. */
const NOTHING: PermissionOptions = { import: [] };

/** Starts the engine; settings that cannot be used are the user's to mend, all else is a bug. */
async function start(engine: RuntimeEngine): Promise<void> {
  try {
    await engine.start();
  } catch (error) {
    const { cause } = error as Error;
    if (cause instanceof GeppettoError && cause.name === "ConfigError")
      throw new UsageError(cause.message, EXIT.config, cause.code);
    throw error;
  }
}
