import { createDeferred } from "../base/deferred.ts";
import { Drain, type CloseOptions } from "../base/drain.ts";
import { hostTime } from "../base/time/host-time.ts";
import { stderrLogger, type Logger } from "../base/logger.ts";
import { withTimeSource } from "../base/time/time-source.ts";
import type { Bus } from "../events/bus.ts";
import { MemoryPubSub } from "../events/memory-pub-sub.ts";
import type { Budget } from "../providers/cost/budget.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { ChildShelf } from "../sandbox/child-shelf.ts";
import type { JournalSink } from "../journal/journal-record.ts";
import type { RealmFactory } from "../sandbox/realm.ts";
import { FRAMES, type ScriptContext } from "../shared/contract/frame-kinds.ts";
import { GeppettoError, toErrorRecord } from "../shared/errors.ts";
import type { ErrorRecord } from "../shared/frames.ts";
import type { StepEvent } from "../shared/step-events.ts";
import { busyError, closedError, realmError, setupError, spentError } from "./engine-errors.ts";
import type { EngineSettings, EngineStats, RunScriptOptions } from "./engine-options.ts";
import { iterateEvents, type EngineEventsOptions } from "./engine-events.ts";
import { enginePermissions } from "./engine-permissions.ts";
import type { RecordedOps } from "./journal/recorded-ops.ts";
import { journalFacts } from "./journal/journal-facts.ts";
import { RealmSession, type LossKind } from "./realm-session.ts";
import { resolveLimits, type EngineLimits } from "./limits.ts";
import { realmFactory } from "./realm-factory.ts";
import { evaluate } from "./script/evaluate.ts";
import { loadScript, type Script } from "./script/load-script.ts";
import { abortedError, failedOutcome, type ScriptError, type ScriptOutcome } from "./script/script-run.ts";
import { registerScriptOps } from "./script/script-ops.ts";
import { ScriptRunner } from "./script/script-runner.ts";
import { ScriptScope } from "./script/script-scope.ts";
import { parseDeterministic } from "./time/deterministic.ts";
import { VirtualClock } from "./time/virtual-clock.ts";
import { Vm } from "./vm.ts";
import { SetupSequence } from "./setup/setup-sequence.ts";
import { createVmHost, type Started } from "./setup/vm-host.ts";

/** How long a turn may go on when its script is over, in milliseconds; then its realm ends, and the engine with it. */
const LAST_TURN_MS = 1000;

/** Shapes the guest of an engine before any script runs in it. */
export type SetupFunction = (vm: Vm, engine: Engine) => void | Promise<void>;

export interface EngineOptions extends EngineSettings {
  /** Setup functions to start with. */
  setup?: readonly SetupFunction[];
  /** Hears all that crosses the wall, for an exact replay of the first script that loads. */
  journal?: JournalSink;
  /** Answers what scripts ask their host for outside: functions of the host app's, and images. */
  recordedOps?: RecordedOps;
}

/**
 * One realm with a bridge and an event loop; it knows no feature, features arrive as setup functions. `close()` ends
 * everything that runs in it, is idempotent, and is what `await using` calls.
 */
export class Engine implements AsyncDisposable {
  readonly bus: Bus;
  readonly limits: EngineLimits;
  /** Decides what scripts may use; a host app's own bindings may ask it, too. */
  readonly permissions: Permissions;
  /** What the calls of its scripts to models may cost. */
  readonly budget: Budget | undefined;
  /** Of an engine whose runs are the same each time. */
  readonly clock: VirtualClock | undefined;
  readonly #createRealm: RealmFactory;
  readonly #journal: JournalSink | undefined;
  readonly #recordedOps: RecordedOps | undefined;
  readonly #logger: Logger;
  readonly #setups: SetupSequence<Engine>;
  readonly #onGuestError: (error: ScriptError) => void;
  readonly #beginListeners = new Set<(context: ScriptContext) => Promise<void>>();
  readonly #resetListeners = new Set<() => void>();
  readonly #closeListeners: (() => void | Promise<void>)[] = [];
  /** Rejects when the engine is closed: a setup function that hangs does not hold that up. */
  readonly #closed = createDeferred<never>();
  readonly #drain: Drain = new Drain("engine", () => this.#timeIsUp());
  /** Resolved when what runs may go on no longer, though the engine is closed for new. */
  readonly #aborted = createDeferred();
  /** Why no more code can run in the guest, where that is the guest's doing or its realm was lost. */
  #spent: GeppettoError | undefined;
  #started: Started | undefined;
  #starting: Promise<void> | undefined;
  /** The host has closed it: it takes nothing new. */
  #closing: Promise<void> | undefined;
  /** Everything in it is being ended. */
  #ending: Promise<void> | undefined;
  /** Of the script that runs. */
  #scope: ScriptScope | undefined;

  /** @param shelf children that served the same tenant before, where an engine may have one of them */
  constructor(options: EngineOptions = {}, builtIns: readonly SetupFunction[] = [], shelf?: ChildShelf) {
    this.#closed.promise.catch(() => {});
    this.limits = resolveLimits(options.limits);
    this.permissions = enginePermissions(options, this.limits.uses, (fn) => this.#scoped(fn));
    this.budget = options.budget;
    const deterministic = parseDeterministic(options.deterministic);
    this.clock = deterministic && new VirtualClock(deterministic);
    this.#createRealm = realmFactory(options, shelf);
    this.#journal = options.journal;
    this.#recordedOps = options.recordedOps;
    this.#journal?.begin(() => journalFacts(options, this.limits));
    this.#logger = options.logger ?? stderrLogger;
    this.bus = options.bus ?? new MemoryPubSub({ logger: this.#logger });
    // A bus that was given to the engine belongs to whoever gave it.
    if (options.bus === undefined) this.onClose(() => this.bus.close());
    this.#setups = new SetupSequence(builtIns);
    for (const setup of options.setup ?? []) this.#setups.add(setup);
    this.#onGuestError =
      options.onGuestError ?? ((error) => this.#logger.error(`Uncaught ${error.stack ?? error.message}`));
  }

  /** Adds a setup function; they run in order when the engine starts. */
  addSetupFunction(setup: SetupFunction): this {
    this.#setups.add(setup);
    return this;
  }

  /** Runs a setup function at once where the guest is there already, else with the others when the engine starts. */
  async setUp(setup: SetupFunction): Promise<void> {
    if (this.#isEnding) throw closedError();
    await this.#setups.addOrRun(setup, this);
  }

  /**
   * Makes the realm and runs the setup functions, one after the other. Idempotent.
   *
   * @throws {GeppettoError} ConfigError naming the setup function that threw, with its error as `cause` and with the
   *   code of that, where it is one of ours.
   */
  start(): Promise<void> {
    if (this.#isEnding) return Promise.reject(closedError());
    this.#setups.begin();
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Runs classic script code in the global scope, so that `var`s and functions stay. Resolves with a copy of its value
   * (a promise is awaited); rejects with what it threw.
   */
  async runOnLoop(code: string): Promise<unknown> {
    return this.#drain.track(this.#evaluate(this.#running().loop, code, "file:///loop.js"));
  }

  /**
   * Runs one script to its end. How a script fails is part of the outcome, and so is a guest that earlier code has ended
   * (`process.exit()`, a limit) or that was killed; what fails on the host's side rejects.
   *
   * @throws {Error} with code "ENOENT" and its kin when the file cannot be read; {GeppettoError} when the engine is
   *   not started, closed, or runs a script already.
   */
  runScript(script: Script, options: RunScriptOptions = {}): Promise<ScriptOutcome> {
    return this.#drain.track(this.#runScript(script, options));
  }

  async #runScript(script: Script, options: RunScriptOptions): Promise<ScriptOutcome> {
    if (this.#spent !== undefined && this.#closing === undefined) return failedOutcome("crashed", this.#spent);
    const { loop, runner } = this.#running();
    if (runner.busy) throw busyError();
    const { args = [], env = {}, input, signal } = options;
    const scope = new ScriptScope(options, (error) =>
      this.#logger.warn(`Cannot tell of an event: onEvent failed: ${toErrorRecord(error).message}`),
    );
    this.#scope = scope;
    const leave = hostTime.enter(options.tenant ?? "");
    const running = runner.run(
      (over) => loadScript(script, this.permissions, over),
      async ({ name, positions, refusals = [] }) => {
        for (const record of refusals) loop.expect(record);
        const allowed = this.permissions.environment();
        const context: ScriptContext = { argv: ["geppetto-js", name, ...args], env: { ...allowed, ...env } };
        if (input !== undefined) context.input = input;
        for (const listener of this.#beginListeners) await listener(context);
        if (positions !== undefined) await loop.enterChecked(FRAMES.positions_set, positions);
      },
      (mayGoOn) => {
        scope.end();
        return this.#cleanUp(loop, mayGoOn);
      },
      (end) => {
        if (end !== "load") this.#journal?.stop();
      },
      signal,
    );
    try {
      return await running;
    } catch (error) {
      if (this.#spent === undefined) throw error;
      // Lost before the script had begun: that, too, is how it ended.
      return failedOutcome("crashed", this.#spent);
    } finally {
      leave();
      if (this.#scope === scope) this.#scope = undefined;
    }
  }

  /**
   * The events of all runs from now on, of whatever script, until the engine is closed. Each is acked when the next one
   * is asked for.
   *
   * @example
   * for await (const event of engine.events()) console.log(event.type);
   */
  events(options: EngineEventsOptions = {}): AsyncIterableIterator<StepEvent> {
    return iterateEvents(this.bus, options, (close) => {
      this.#closeListeners.unshift(close);
      return () => void this.#closeListeners.splice(this.#closeListeners.indexOf(close), 1);
    });
  }

  /** What crosses the wall is kept, so that it can be replayed. */
  get isJournaled(): boolean {
    return this.#journal !== undefined;
  }

  /** Some line of a script may have run: what it has done cannot be undone by running it again elsewhere. */
  get hasBegun(): boolean {
    return this.#started?.runner.hasBegun ?? false;
  }

  /** Cancels every run; their `interrupt` events still reach the script. Says how many there were. */
  cancelRuns(): number {
    return this.#started?.loop.runs.cancelAll() ?? 0;
  }

  stats(): EngineStats {
    const loop = this.#started?.loop;
    return {
      turns: loop?.turns ?? 0,
      cpuMs: loop?.cpuMs ?? 0,
      timers: loop?.ledger.count("timer") ?? 0,
      runs: loop?.activeRuns ?? 0,
      ops: loop?.ops.pending ?? 0,
      topics: this.bus.topics().length,
      tainted: loop?.tainted ?? false,
    };
  }

  /** Registers what to end with the engine, for example a provider's connections. Ended last in, first out. */
  onClose(end: () => void | Promise<void>): void {
    this.#closeListeners.unshift(end);
  }

  /**
   * Cancels runs, ends timers and ops, frees the isolate. A script that runs ends as "crashed" with ERR_ENGINE_CLOSED.
   *
   * With `drainMs` the engine takes nothing new, and lets the script, the calls of `runOnLoop`, and the runs and ops that
   * are under way come to their end. What has not done so in time is aborted (`end: "aborted"`). Idempotent; a later call
   * with a shorter time shortens it.
   */
  close({ drainMs }: CloseOptions = {}): Promise<void> {
    try {
      if (drainMs === undefined) this.#closing ??= this.#end();
      this.#drain.allow(drainMs === undefined ? 0 : drainMs);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#closing ??= this.#endDrained();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #scoped<T>(fn: () => T): T {
    const { clock } = this;
    const timed = clock === undefined ? fn : () => withTimeSource(clock, fn);
    return this.#scope === undefined ? timed() : this.#scope.run(timed);
  }

  async #start(): Promise<void> {
    const loop = await RealmSession.create({
      bus: this.bus,
      clock: this.clock,
      limits: this.limits,
      createRealm: this.#createRealm,
      journal: this.#journal,
      recordedOps: this.#recordedOps,
      scoped: (fn) => this.#scoped(fn),
      turnTimeoutMs: () => (this.#started === undefined ? undefined : this.#started.runner.turnTimeoutMs),
      listener: {
        onUncaught: (error) => this.#uncaught(error),
        onThrown: (copy) => void this.#thrown(copy),
        onExceeded: (error) => this.#started?.runner.exceeded(error),
        onLost: (kind, stack) => this.#lost(kind, stack),
        onEvent: (event) => this.#scope?.tell(event),
        onUnpublished: (topic, error) =>
          this.#logger.warn(`Cannot publish an event on "${topic}": ${toErrorRecord(error).message}`),
      },
    });
    if (this.#isEnding) {
      await loop.close(closedError());
      throw closedError();
    }
    const runner = new ScriptRunner(loop, this.limits, (asked) => this.permissions.noteClosedImport(asked));
    this.#started = { loop, runner };
    registerScriptOps(loop, runner, (code, isOfScript) => this.#exit(code, isOfScript ? runner : undefined));
    const vm = new Vm(
      createVmHost(this.#started, {
        limits: this.limits,
        clock: this.clock,
        later: (entered) => this.#setups.later(entered),
        evaluate: (code, filename) => this.#evaluate(loop, code, filename),
        onScriptBegin: (listener) => void this.#beginListeners.add(listener),
        onReset: (listener) => void this.#resetListeners.add(listener),
      }),
    );
    await this.#setups.run(vm, this, (setup, work) => this.#unlessFailed(setup, work));
  }

  /** A setup function that fails ends the engine. */
  async #unlessFailed(setup: string, work: () => void | Promise<void>): Promise<void> {
    try {
      await Promise.race([work(), this.#closed.promise]);
    } catch (error) {
      if (this.#isEnding) throw this.#spent ?? closedError();
      await this.close();
      throw setupError(setup, this.#spent ?? error);
    }
  }

  #running(): Started {
    if (this.#closing !== undefined) throw closedError();
    if (this.#spent !== undefined) throw this.#spent;
    if (this.#started !== undefined) return this.#started;
    throw new GeppettoError("ConfigError", "Cannot run code: the engine has not started; await engine.start() first");
  }

  get #isEnding(): boolean {
    return this.#closing !== undefined || this.#ending !== undefined;
  }

  #evaluate(loop: RealmSession, code: string, filename: string): Promise<unknown> {
    return evaluate(loop, code, filename, {
      limits: this.limits,
      onThrown: (copy) => void this.#thrown(copy),
      onLost: (kind) => this.#lost(kind),
    });
  }

  /** An error that nobody in the guest caught ends the script that is running; without one the host hears of it. */
  #uncaught(error: ErrorRecord): void {
    const identified = this.#started?.loop.identify(error) ?? { ...error, fromHost: false };
    if (this.#started?.runner.uncaught(identified) !== true) this.#onGuestError(identified);
  }

  /** The same, of an error of which only a copy is known. */
  async #thrown(copy: ErrorRecord): Promise<void> {
    if (this.#started?.runner.thrown(copy) === true) return;
    this.#uncaught((await this.#started?.loop.recall(copy)) ?? copy);
  }

  #lost(kind: LossKind, stack?: string): void {
    if (this.#ending !== undefined) return;
    const loop = this.#started?.loop;
    if (kind !== "timeout" || loop?.disposed === true) this.#spent ??= realmError(kind, this.limits);
    if (this.#started?.runner.busy === true) this.#started.runner.lost(kind, stack);
    else {
      const error = realmError(kind, this.limits);
      this.#logger.error(error.message);
      // Whoever waits for the guest waits in vain.
      if (this.#spent !== undefined) void loop?.close(error);
    }
    if (this.#spent !== undefined) this.#aborted.resolve();
  }

  #exit(code: number, runner: ScriptRunner | undefined): void {
    runner?.exit(code);
    // The guest waits in an endless loop to be ended: its realm is spent.
    this.#spent ??= spentError(`its guest has called process.exit(${code})`);
    // Whoever closes the engine is told what fails in it.
    this.#end().catch(() => {});
  }

  /** After a script nothing of it is left. A turn that does not end, or was cut short, takes the realm with it. */
  async #cleanUp(loop: RealmSession, mayGoOn: boolean): Promise<void> {
    this.clock?.clear();
    for (const listener of this.#resetListeners) listener();
    this.permissions.end();
    if (loop.disposed || this.#ending !== undefined || mayGoOn) {
      this.#spent ??= spentError("its guest was ended in the middle of a turn");
      return this.#end();
    }
    const timer = setTimeout(() => {
      if (!loop.busy) return;
      this.#spent ??= spentError("its guest went on when its script was over");
      void this.#end();
    }, LAST_TURN_MS);
    await loop.reset({ scriptBegins: false });
    clearTimeout(timer);
    if (loop.disposed) await this.#end();
  }

  /** What still runs although the engine was closed some time ago is aborted. */
  #timeIsUp(): void {
    this.#started?.runner.end("aborted", toErrorRecord(abortedError()));
    this.#aborted.resolve();
  }

  async #endDrained(): Promise<void> {
    await Promise.race([this.#drained(), this.#aborted.promise]);
    await this.#end();
  }

  /** Resolves when nothing is under way: no script, no call of `runOnLoop`, and nothing that such a call has begun. */
  async #drained(): Promise<void> {
    await this.#drain.ended();
    await this.#started?.loop.ledger.without("turn", "run", "op");
  }

  #end(): Promise<void> {
    this.#drain.close();
    this.#ending ??= this.#release();
    return this.#ending;
  }

  async #release(): Promise<void> {
    const reason = this.#spent ?? closedError();
    this.#closed.reject(reason);
    this.#started?.runner.end("crashed", toErrorRecord(reason));
    for (const listener of this.#resetListeners) listener();
    await this.#started?.loop.close(reason);
    let failure: { error: unknown } | undefined;
    for (const end of this.#closeListeners) {
      try {
        await end();
      } catch (error) {
        // The others end all the same.
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  }
}
