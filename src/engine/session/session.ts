import { callBack } from "../../base/calls/call-back.ts";
import { hostTime } from "../../base/time/host-time.ts";
import { FRAMES, type ScriptContext } from "../../shared/contract/frame-kinds.ts";
import { GeppettoError, toErrorRecord } from "../../shared/errors.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import type { ResultCopy } from "../../shared/contract/ops.ts";
import { checkRunOptions, type RunScriptOptions } from "../engine-options.ts";
import type { EngineLimits } from "../limits.ts";
import type { LossKind } from "../realm-session.ts";
import { failedOutcome, type ScriptError } from "../script/script-run.ts";
import { placeOf } from "./place-of.ts";
import { SessionCode, type SessionCodeHost } from "./session-code.ts";
import {
  SESSION_OPTIONS,
  SESSION_RUN_OPTIONS,
  type SessionOptions,
  type SessionOutcome,
  type SessionRunOptions,
} from "./session-options.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";
import { SessionRun } from "./session-run.ts";

/** How long a turn may go on when the run that it belongs to is over, in milliseconds; then its realm ends. */
const LAST_TURN_MS = 1000;

/** Most errors that may wait to be looked at. */
const MAX_UNSEEN = 100;

/** What the engine does for its session. */
export interface SessionHost extends Readonly<SessionCodeHost> {
  readonly limits: EngineLimits;
  /** Why the guest takes nothing more. */
  spent(): GeppettoError | undefined;
  /** From here on what the guest asks for is done for this run; returns what tells that another one has begun. */
  enter(options: RunScriptOptions): () => void;
  /** Gives the guest what a script finds there. */
  begin(context: ScriptContext): Promise<void>;
  /** Ends what features of the host's have under way. */
  clear(): void;
  /** Counts what was written from here on. */
  resetOutput(): void;
  /** Ends the guest. */
  end(why: GeppettoError): Promise<void>;
  onGuestError(error: ScriptError): void;
  /** Code of somebody's is running. */
  track<T>(work: Promise<T>): Promise<T>;
  /** The session has been closed. */
  release(): void;
}

/**
 * Runs code in steps: what a run has declared is there for the next. Made by `engine.session()`.
 *
 * What is under way when a run has ended (timers, runs of steps) goes on. A run that is cut short, by its signal or a
 * limit, ends all that is under way in the session; what was declared stays. Where its guest cannot be interrupted it is
 * ended, and the session with it.
 *
 * @example
 * const session = engine.session();
 * await session.run("const x = 1");
 * (await session.run("x + 1")).value; // 2
 */
export class Session implements AsyncDisposable {
  readonly #host: SessionHost;
  readonly #options: SessionOptions;
  readonly #code: SessionCode;
  #count = 0;
  #run: SessionRun | undefined;
  #opening: Promise<void> | undefined;
  #leaveScope: () => void = () => {};
  #isClosed = false;
  /** Failed runs whose errors nobody has looked at yet, while no code is running. */
  readonly #unseen = new Set<string>();
  #over: GeppettoError | undefined;
  #exitCode: number | undefined;
  #closing: Promise<void> | undefined;

  constructor(host: SessionHost, options: SessionOptions) {
    refuseWrong("open a session", options, SESSION_OPTIONS);
    this.#host = host;
    this.#options = options;
    this.#code = new SessionCode(host);
  }

  /** Why no more code can run in it; undefined as long as some can. */
  get over(): GeppettoError | undefined {
    return this.#over ?? this.#host.spent();
  }

  /** What its code has set `process.exitCode` to, or given `process.exit()`. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Some of its code is running. */
  get busy(): boolean {
    return this.#run !== undefined;
  }

  /** For the engine: the longest time that the next turn may take, in milliseconds. */
  get turnTimeoutMs(): number | undefined {
    const { turnMs, wallMs } = this.#host.limits;
    return this.#run === undefined ? (turnMs ?? wallMs) : this.#run.turnTimeoutMs;
  }

  /**
   * Runs code, JavaScript or TypeScript, to its end, and gives the value of its last expression. It may await. What it
   * declares stays, and takes the place of what has the same name. How it fails is part of the outcome; what fails on
   * the host's side rejects.
   *
   * @throws {GeppettoError} ConfigError when some code runs already; StepError ERR_ENGINE_CLOSED when the session is closed.
   */
  run(code: string, options: SessionRunOptions = {}): Promise<SessionOutcome> {
    if (typeof code !== "string") return Promise.reject(unfit("Cannot run code: it must be a text"));
    try {
      checkRunOptions(options, SESSION_RUN_OPTIONS, "code");
    } catch (wrong) {
      return Promise.reject(wrong);
    }
    if (this.#run !== undefined) return Promise.reject(unfit("Cannot run code: the session runs some already"));
    if (this.#isClosed) return Promise.reject(closedSession());
    try {
      const run = new SessionRun(this.#host, options.name ?? `session-${++this.#count}.js`, options);
      this.#run = run;
      return this.#host.track(this.#toEnd(run, code, options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * What may follow in code: the names that begin with `prefix` among the members of what the path leads to, or among
   * globals where it is empty. Runs no getter and no trap of a proxy. Nothing while code is running.
   */
  async complete(path: readonly string[], prefix: string): Promise<string[]> {
    if (this.busy || this.#isClosed || this.over !== undefined) return [];
    await this.#open();
    const found = await this.#host.loop.enterChecked(FRAMES.session_complete, [...path], prefix);
    return Array.isArray(found) ? found.filter((name) => typeof name === "string" && name.length < 200) : [];
  }

  /** Ends what it has under way, and takes away what it has declared. The engine goes on. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For the engine: nobody in the guest caught this. Of a run that was cut short nothing more is heard. */
  uncaught(error: ScriptError): void {
    if (this.#run === undefined) this.#tell(error);
    else if (!this.#run.over) this.#run.uncaught(error);
  }

  /** Likewise, of an error of which only a copy is known. */
  thrown(copy: ErrorRecord): void {
    const run = this.#run;
    if (run?.over === true) return;
    const told = this.#host.loop.recall(copy).then((error) => {
      const identified = this.#host.loop.identify(error);
      if (run === undefined) this.#tell(identified);
      else run.uncaught(identified);
    });
    run?.waitFor(told);
  }

  /** For the engine: the guest has exceeded a limit. */
  exceeded(error: GeppettoError): void {
    const record = { ...toErrorRecord(error), fromHost: true };
    if (this.#run !== undefined) this.#run.cut("limit", record);
    else {
      this.#tell(record);
      void this.#restore();
    }
  }

  /** For the engine: a turn was lost, where the guest goes on after it. */
  turnLost(stack: string | undefined): void {
    if (this.#run === undefined) this.exceeded(SessionRun.tooLong(this.#host.limits));
    else this.#run.turnTooLong(stack);
  }

  /** For the engine: the guest has gone. */
  lost(reason: GeppettoError, kind?: LossKind): void {
    if (this.#over !== undefined) return;
    this.#over = kind === "timeout" ? notInterrupted() : reason;
    this.#code.close();
    const run = this.#run;
    if (run !== undefined && kind === "timeout") run.turnTooLong(undefined);
    else run?.cut(kind === "memory" ? "limit" : "crashed", { ...toErrorRecord(reason), fromHost: true });
    // What its host has closed has not ended by itself.
    if (!this.#isClosed && kind !== "disposed") callBack(() => this.#options.onEnd?.(reason));
  }

  /** For the engine: what ends as the guest wishes. */
  done(result: ResultCopy): void {
    this.#run?.done(result);
  }

  exit(code: number, reason: GeppettoError): void {
    this.#exitCode = code;
    this.#run?.exit(code);
    this.lost(reason);
  }

  setExitCode(code: number | undefined): void {
    this.#exitCode = code;
  }

  keepError(runId: string, error: ScriptError): void {
    if (this.#run !== undefined) this.#run.keepError(runId, error);
    else void this.#tellUnlessSeen(runId, error);
  }

  lookAtError(runId: string): void {
    this.#run?.lookAtError(runId);
    this.#unseen.delete(runId);
  }

  /** For the engine: the guest has told what the code has come to. */
  settle(id: number, settled: ResultCopy | { error: ErrorRecord }): void {
    if (id !== this.#run?.id) return;
    if ("error" in settled) this.#run.failed(this.#host.loop.identify(settled.error));
    else this.#run.settled(settled);
  }

  abort(): void {
    this.#run?.abort();
  }

  /** For the engine: may a loop that asks go on? */
  get mayGoOn(): boolean {
    return this.#run?.mayGoOn() ?? true;
  }

  async #toEnd(run: SessionRun, code: string, options: SessionRunOptions): Promise<SessionOutcome> {
    const { loop } = this.#host;
    const { context, onEvent } = this.#options;
    const { tenant = this.#options.tenant ?? "" } = options;
    const startedAt = performance.now();
    const { turns, cpuMs } = loop;
    const leaveTime = hostTime.enter(tenant);
    const release = run.watch();
    try {
      if (this.over !== undefined) return this.#toOutcome(run, failedOutcome("crashed", this.over));
      this.#leaveScope();
      this.#leaveScope = this.#host.enter({ tenant, context, ...(onEvent && { onEvent }), ...options });
      await this.#evaluate(run, code, { ...options, tenant });
      const ended = await run.ended;
      if (run.isCut && this.#over === undefined) await this.#restore();
      const stats = { durationMs: performance.now() - startedAt, cpuMs: loop.cpuMs - cpuMs, turns: loop.turns - turns };
      return this.#toOutcome(run, { ...ended, stats });
    } finally {
      release();
      this.#run = undefined;
      leaveTime();
    }
  }

  #toOutcome(run: SessionRun, outcome: Omit<SessionOutcome, "name">): SessionOutcome {
    const place = outcome.error && placeOf(outcome.error);
    return {
      ...outcome,
      name: run.name,
      ...(place === undefined ? {} : { place }),
      ...(run.isIncomplete ? { isIncomplete: true } : {}),
      ...(this.over === undefined ? {} : { isOver: true }),
    };
  }

  async #evaluate(run: SessionRun, code: string, options: SessionRunOptions & { tenant: string }): Promise<void> {
    const folder = options.folder ?? this.#options.folder;
    this.#host.permissions.begin(run.name, folder);
    this.#host.resetOutput();
    try {
      await this.#open();
      if (options.input !== undefined) await this.#giveContext(options.input);
      const plan = await this.#code.read(run, code, { folder, tenant: options.tenant });
      if (plan !== undefined && !run.over) run.enter(plan, this.#options.awaits !== false);
    } catch (error) {
      // Its guest is gone, or it was cut short: that is how it ended.
      if (!run.over) throw error;
    }
  }

  #tell(error: ScriptError): void {
    callBack(() => (this.#options.onError ?? this.#host.onGuestError)(error));
  }

  /** A callback that hears of the error may look at it in the same turn. */
  async #tellUnlessSeen(runId: string, error: ScriptError): Promise<void> {
    if (this.#unseen.size >= MAX_UNSEEN) return;
    this.#unseen.add(runId);
    try {
      await this.#host.loop.enterChecked(FRAMES.error_recall, "");
    } catch {
      // The guest has gone, and that is told.
    }
    if (this.#unseen.delete(runId)) this.#tell(error);
  }

  /** Before its first run. */
  #open(): Promise<void> {
    this.#opening ??= this.#begin();
    return this.#opening;
  }

  async #begin(): Promise<void> {
    const { input, keepsLast = false } = this.#options;
    await this.#host.loop.enterChecked(FRAMES.feature_install, "session", { keepsLast });
    await this.#giveContext(input);
  }

  /** Gives the guest what a script finds there. */
  async #giveContext(input: string | undefined): Promise<void> {
    const { args = [], env = {} } = this.#options;
    const allowed = this.#host.permissions.environment();
    const context: ScriptContext = { argv: ["geppetto-js", "session", ...args], env: { ...allowed, ...env } };
    if (input !== undefined) context.input = input;
    await this.#host.begin(context);
  }

  /** Ends what is under way. A turn that does not end takes the guest with it. */
  async #restore(): Promise<void> {
    const { loop } = this.#host;
    if (loop.disposed) return;
    this.#host.clear();
    const timer = setTimeout(() => {
      if (loop.busy) void this.#host.end(notInterrupted());
    }, LAST_TURN_MS);
    await loop.reset({ scriptBegins: false });
    clearTimeout(timer);
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#code.close();
    this.#run?.abort();
    while (this.#run !== undefined) await this.#run.ended.then(() => new Promise((resolve) => setImmediate(resolve)));
    this.#leaveScope();
    this.#host.release();
    if (this.over !== undefined || this.#opening === undefined) return;
    await this.#restore();
    this.#host.permissions.end();
    if (!this.#host.loop.disposed) await this.#host.loop.enter(FRAMES.session_end);
  }
}

function unfit(message: string): GeppettoError {
  return new GeppettoError("ConfigError", message);
}

function closedSession(): GeppettoError {
  return new GeppettoError("StepError", "Cannot run code: the session is closed", { code: "ERR_ENGINE_CLOSED" });
}

function notInterrupted(): GeppettoError {
  const why = "its guest could not be interrupted, and was ended with what it had declared";
  return new GeppettoError("StepError", `The session is over: ${why}; open a new one`, { code: "ERR_ENGINE_CLOSED" });
}
