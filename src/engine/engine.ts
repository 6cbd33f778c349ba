import { createDeferred } from "../base/deferred.ts";
import { stderrLogger, type Logger } from "../base/logger.ts";
import { withTimeSource } from "../base/time-source.ts";
import type { Bus } from "../events/bus.ts";
import { MemoryPubSub } from "../events/memory-pub-sub.ts";
import type { Budget } from "../providers/cost/budget.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { JournalSink } from "../journal/journal-record.ts";
import type { RealmFactory } from "../sandbox/realm.ts";
import { FRAMES, type ScriptContext } from "../shared/contract/frame-kinds.ts";
import { GeppettoError, toErrorRecord } from "../shared/errors.ts";
import type { ErrorRecord } from "../shared/frames.ts";
import type { StepEvent } from "../shared/step-events.ts";
import { busyError, closedError, realmError } from "./engine-errors.ts";
import type { EngineSettings, EngineStats, RunScriptOptions } from "./engine-options.ts";
import { iterateEvents, type EngineEventsOptions } from "./engine-events.ts";
import { enginePermissions } from "./engine-permissions.ts";
import { journalFacts } from "./journal/journal-facts.ts";
import { RealmSession, toHostError, type LossKind } from "./realm-session.ts";
import { resolveLimits, type EngineLimits } from "./limits.ts";
import { loadScript, type Script } from "./script/load-script.ts";
import { realmFactory } from "./realm-factory.ts";
import { failedOutcome, type ScriptError, type ScriptOutcome } from "./script/script-run.ts";
import { registerScriptOps } from "./script/script-ops.ts";
import { ScriptRunner } from "./script/script-runner.ts";
import { ScriptScope } from "./script/script-scope.ts";
import { parseDeterministic } from "./time/deterministic.ts";
import { VirtualClock } from "./time/virtual-clock.ts";
import { Vm } from "./vm.ts";

/** How long a turn may go on when its script is over, in milliseconds; then its realm ends, and the engine with it. */
const LAST_TURN_MS = 1000;

/** Shapes the guest of an engine before any script runs in it. */
export type SetupFunction = (vm: Vm, engine: Engine) => void | Promise<void>;

export interface EngineOptions extends EngineSettings {
  /** Setup functions to start with. */
  setup?: readonly SetupFunction[];
  /** Hears all that crosses the wall, for an exact replay of the first script that loads. */
  journal?: JournalSink;
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
  readonly #logger: Logger;
  readonly #setups: SetupFunction[];
  readonly #onGuestError: (error: ScriptError) => void;
  readonly #beginListeners = new Set<(context: ScriptContext) => Promise<void>>();
  readonly #resetListeners = new Set<() => void>();
  readonly #closeListeners: (() => void | Promise<void>)[] = [];
  /** Rejects when the engine is closed: a setup function that hangs does not hold that up. */
  readonly #closed = createDeferred<never>();
  /** How the realm was lost, if it was. */
  #gone: LossKind | undefined;
  #started: Started | undefined;
  #vm: Vm | undefined;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Of the script that runs. */
  #scope: ScriptScope | undefined;

  constructor(options: EngineOptions = {}, builtIns: readonly SetupFunction[] = []) {
    this.#closed.promise.catch(() => {});
    this.limits = resolveLimits(options.limits);
    this.permissions = enginePermissions(options, this.limits.uses, (fn) => this.#scoped(fn));
    this.budget = options.budget;
    const deterministic = parseDeterministic(options.deterministic);
    this.clock = deterministic && new VirtualClock(deterministic);
    this.#createRealm = realmFactory(options);
    this.#journal = options.journal;
    this.#journal?.begin(() => journalFacts(options, this.limits));
    this.#logger = options.logger ?? stderrLogger;
    this.bus = options.bus ?? new MemoryPubSub({ logger: this.#logger });
    // A bus that was given to the engine belongs to whoever gave it.
    if (options.bus === undefined) this.onClose(() => this.bus.close());
    this.#setups = [...builtIns];
    for (const setup of options.setup ?? []) this.addSetupFunction(setup);
    this.#onGuestError =
      options.onGuestError ?? ((error) => this.#logger.error(`Uncaught ${error.stack ?? error.message}`));
  }

  /** Adds a setup function; they run in order when the engine starts. */
  addSetupFunction(setup: SetupFunction): this {
    if (typeof setup !== "function") {
      throw new TypeError(`Cannot add a setup function: expected a function, not ${typeof setup}`);
    }
    if (this.#starting !== undefined)
      throw new GeppettoError("ConfigError", "Cannot add a setup function: the engine has started");
    this.#setups.push(setup);
    return this;
  }

  /** Runs a setup function at once where the guest is there already, else with the others when the engine starts. */
  async setUp(setup: SetupFunction): Promise<void> {
    if (this.#closing !== undefined) throw closedError();
    if (this.#vm === undefined) this.#setups.push(setup);
    else await setup(this.#vm, this);
  }

  /**
   * Makes the realm and runs the setup functions, one after the other. Idempotent.
   *
   * @throws {GeppettoError} ConfigError naming the setup function that threw, with its error as `cause` and with the
   *   code of that, where it is one of ours.
   */
  start(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Runs classic script code in the global scope, so that `var`s and functions stay. Resolves with a copy of its value
   * (a promise is awaited); rejects with what it threw.
   */
  async runOnLoop(code: string): Promise<unknown> {
    return this.#evaluate(this.#running(), code, "file:///loop.js");
  }

  /**
   * Runs one script to its end. How a script fails is part of the outcome; what fails on the host's side rejects.
   *
   * @throws {Error} with code "ENOENT" and its kin when the file cannot be read; {GeppettoError} when the engine is
   *   not running or runs a script already.
   */
  async runScript(script: Script, options: RunScriptOptions = {}): Promise<ScriptOutcome> {
    const { loop, runner } = this.#running();
    if (runner.busy) throw busyError();
    const { args = [], env = {}, input, signal } = options;
    const scope = new ScriptScope(options, (error) =>
      this.#logger.warn(`Cannot tell of an event: onEvent failed: ${toErrorRecord(error).message}`),
    );
    this.#scope = scope;
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
      if (this.#gone === undefined) throw error;
      // Lost before the script had begun: that, too, is how it ended.
      return failedOutcome("crashed", realmError(this.#gone, this.limits));
    } finally {
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

  /** Cancels runs, ends timers and ops, frees the isolate. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
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
    if (this.#closing !== undefined) {
      await loop.close(closedError());
      throw closedError();
    }
    const runner = new ScriptRunner(loop, this.limits, (asked) => this.permissions.noteClosedImport(asked));
    this.#started = { loop, runner };
    registerScriptOps(loop, runner, (code) => this.#exit(runner, code));
    const vm = this.#createVm(this.#started);
    this.#vm = vm;
    for (const setup of this.#setups) {
      try {
        await Promise.race([setup(vm, this), this.#closed.promise]);
      } catch (error) {
        if (this.#closing !== undefined) throw closedError();
        this.#closing = this.#release();
        await this.#closing;
        if (this.#gone !== undefined) throw realmError(this.#gone, this.limits);
        const name = setup.name === "" ? "a setup function" : `the setup function "${setup.name}"`;
        throw new GeppettoError(
          "ConfigError",
          `Cannot start the engine: ${name} failed: ${toErrorRecord(error).message}`,
          {
            ...(error instanceof GeppettoError ? { code: error.code } : {}),
            cause: error,
          },
        );
      }
    }
  }

  #createVm(started: Started): Vm {
    const { loop, runner } = started;
    return new Vm({
      limits: this.limits,
      clock: this.clock,
      enter: (kind, ...body) => loop.enter(kind, ...body),
      enterChecked: (kind, ...body) => loop.enterChecked(kind, ...body),
      evaluate: (code, filename) => this.#evaluate(started, code, filename),
      setOp: (op, handler) => loop.ops.set(op, handler),
      registerStep: (name, step) => loop.runs.register(name, step),
      setInterceptor: (name, interceptor) => loop.runs.setInterceptor(name, interceptor),
      hold: (kind, options) => loop.ledger.hold(kind, options),
      onScriptBegin: (listener) => void this.#beginListeners.add(listener),
      onReset: (listener) => void this.#resetListeners.add(listener),
      endScript: (error) => runner.exceeded(error),
      turns: () => loop.turns,
      quiet: (maxTurns) => loop.quiet(maxTurns),
    });
  }

  #running(): Started {
    if (this.#gone !== undefined) throw realmError(this.#gone, this.limits);
    if (this.#closing !== undefined) throw closedError();
    if (this.#started !== undefined) return this.#started;
    throw new GeppettoError("ConfigError", "Cannot run code: the engine has not started; await engine.start() first");
  }

  #evaluate({ loop }: Started, code: string, filename: string): Promise<unknown> {
    const { promise, resolve, reject } = createDeferred<unknown>();
    void loop.run(
      { code, filename, kind: "classic", lineOffset: 0 },
      {
        onSettled: ({ value, uncopied }) => (uncopied === undefined ? resolve(value) : reject(toHostError(uncopied))),
        onFailed: (error) => reject(toHostError(error)),
        onTurnFailed: (failure, settled) => {
          if (failure.kind === "thrown" || failure.kind === "load") {
            if (settled) void this.#thrown(failure.error);
            else reject(toHostError(failure.error));
          } else {
            this.#lost(failure.kind);
            reject(realmError(failure.kind, this.limits));
          }
        },
      },
    );
    return promise;
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
    if (this.#closing !== undefined) return;
    if (kind !== "timeout") this.#gone ??= kind;
    if (this.#started?.runner.busy === true) this.#started.runner.lost(kind, stack);
    else {
      const error = realmError(kind, this.limits);
      this.#logger.error(error.message);
      // Whoever waits for the guest waits in vain.
      if (kind !== "timeout") void this.#started?.loop.close(error);
    }
  }

  #exit(runner: ScriptRunner, code: number): void {
    runner.exit(code);
    // The guest waits in an endless loop to be ended: its realm is spent.
    void this.close();
  }

  /** After a script nothing of it is left. A turn that does not end, or was cut short, takes the realm with it. */
  async #cleanUp(loop: RealmSession, mayGoOn: boolean): Promise<void> {
    this.clock?.clear();
    for (const listener of this.#resetListeners) listener();
    this.permissions.end();
    if (loop.disposed || this.#closing !== undefined || mayGoOn) return this.close();
    const timer = setTimeout(() => {
      if (loop.busy) void this.close();
    }, LAST_TURN_MS);
    await loop.reset({ scriptBegins: false });
    clearTimeout(timer);
    if (loop.disposed) await this.close();
  }

  async #close(): Promise<void> {
    this.#closed.reject(closedError());
    await this.#release();
  }

  async #release(): Promise<void> {
    this.#started?.runner.end("crashed", toErrorRecord(closedError()));
    for (const listener of this.#resetListeners) listener();
    await this.#started?.loop.close(closedError());
    for (const end of this.#closeListeners) await end();
  }
}

/** What there is from `start()` on. */
interface Started {
  loop: RealmSession;
  runner: ScriptRunner;
}
