import { AsyncLocalStorage } from "node:async_hooks";
import { callBack, optional } from "../base/calls/call-back.ts";
import { PersonWaits } from "../base/calls/person-waits.ts";
import type { CloseOptions } from "../base/drain.ts";
import { hostTime } from "../base/time/host-time.ts";
import { openTelemetry } from "../base/telemetry/open-telemetry.ts";
import { withTelemetry, type Telemetry } from "../base/telemetry/trace.ts";
import { toLogger, type Logger } from "../base/logger.ts";
import { withTimeSource } from "../base/time/time-source.ts";
import type { Bus } from "../events/bus.ts";
import { MemoryPubSub } from "../events/memory-pub-sub.ts";
import type { CodeReaders } from "../modules/session/code-readers.ts";
import type { Budget } from "../providers/cost/budget.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { ChildShelf } from "../sandbox/child-shelf.ts";
import type { Answer } from "../journal/executions/journal.ts";
import type { JournalFacts, JournalSink } from "../journal/journal-record.ts";
import type { RealmFactory } from "../sandbox/realm.ts";
import { FRAMES, type ScriptContext } from "../shared/contract/frame-kinds.ts";
import { toErrorRecord } from "../shared/errors.ts";
import type { StepEvent } from "../shared/step-events.ts";
import { busyError, closedError, setupError, startingError } from "./engine-errors.ts";
import {
  checkRunOptions,
  RUN_OPTIONS,
  type EngineSettings,
  type EngineStats,
  type RunScriptOptions,
} from "./engine-options.ts";
import { iterateEvents, type EngineEventsOptions } from "./engine-events.ts";
import { enginePermissions } from "./engine-permissions.ts";
import type { RecordedOps } from "./journal/recorded-ops.ts";
import { journalFacts } from "./journal/journal-facts.ts";
import { EngineLife } from "./life/engine-life.ts";
import { FeatureListeners } from "./life/feature-listeners.ts";
import { Occupants } from "./life/occupants.ts";
import { RealmSession } from "./realm-session.ts";
import { endedOutcome, lastingOptions } from "./execution/ended-execution.ts";
import { CurrentExecution, type QuestionOptions } from "./execution/current-execution.ts";
import type { Execution, ExecutionHost } from "./execution/execution.ts";
import type { Consent, ExecutionWaits } from "./execution/execution-waits.ts";
import { Pace } from "./execution/pace.ts";
import { resolveLimits, type EngineLimits } from "./limits.ts";
import { realmFactory } from "./realm-factory.ts";
import { evaluate } from "./script/evaluate.ts";
import { loadScript, type Script } from "./script/load-script.ts";
import { failedOutcome, type ScriptError, type ScriptOutcome } from "./script/script-run.ts";
import { registerScriptOps } from "./script/script-ops.ts";
import { ScriptRunner } from "./script/script-runner.ts";
import { startScriptSpan } from "./script/script-span.ts";
import { ScriptScope } from "./script/script-scope.ts";
import { parseDeterministic } from "./time/deterministic.ts";
import { VirtualClock } from "./time/virtual-clock.ts";
import { Session } from "./session/session.ts";
import { registerSessionOps } from "./session/session-ops.ts";
import type { SessionOptions } from "./session/session-options.ts";
import { Vm } from "./vm.ts";
import { SetupSequence } from "./setup/setup-sequence.ts";
import { createVmHost } from "./setup/vm-host.ts";

/** Shortest limit of a turn while the engine is set up. */
const SETUP_TURN_MS = 10_000;

/** What the setup functions of an engine run in. */
const settingUp = new AsyncLocalStorage<object>();

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
  /** What kind of engine it is, for those who make another of the kind. */
  readonly kind: Required<Pick<EngineSettings, "hardening" | "timeZone">>;
  readonly #createRealm: RealmFactory;
  readonly #journal: JournalSink | undefined;
  readonly #recordedOps: RecordedOps | undefined;
  readonly #logger: Logger;
  readonly #telemetryOptions: EngineOptions["telemetry"];
  /** Who hears what is done, once the engine has started. */
  #telemetry: Telemetry | undefined;
  readonly #setups: SetupSequence<Engine>;
  readonly #onGuestError: (error: ScriptError) => void;
  readonly #features: FeatureListeners = new FeatureListeners();
  readonly #occupants: Occupants;
  readonly #life: EngineLife;
  #starting: Promise<void> | undefined;
  /** Stands for it where its setup functions run, and holds nothing: what they leave behind would keep it. */
  #setUpIn: object | undefined = {};
  /** Of the script that runs. */
  #scope: ScriptScope | undefined;
  readonly #current: CurrentExecution;
  /** Whose time its features live in. */
  readonly pace: Pace = new Pace();
  /** Whom its scripts wait for. */
  readonly personWaits: PersonWaits = new PersonWaits();
  readonly #facts: () => JournalFacts;

  /** @param shelf children that served the same tenant before, where an engine may have one of them */
  constructor(options: EngineOptions = {}, builtIns: readonly SetupFunction[] = [], shelf?: ChildShelf) {
    this.limits = resolveLimits(options.limits);
    this.permissions = enginePermissions(options, this.limits.uses, {
      scoped: (fn) => this.#scoped(fn),
      onUnnoted: (error) => this.#occupants.uncaught(toErrorRecord(error)),
    });
    this.budget = options.budget;
    const deterministic = parseDeterministic(options.deterministic);
    this.clock = deterministic && new VirtualClock(deterministic);
    const { hardening = "standard", timeZone = "UTC" } = options;
    this.kind = { hardening, timeZone };
    this.#createRealm = realmFactory(options, { shelf });
    this.#journal = options.journal;
    this.#recordedOps = options.recordedOps;
    this.#facts = () => journalFacts(options, this.limits);
    this.#journal?.begin(this.#facts);
    this.#logger = toLogger(options.logger);
    this.#telemetryOptions = options.telemetry;
    const { onGuestError } = options;
    const log = (error: ScriptError): void => this.#logger.error(`Uncaught ${error.stack ?? error.message}`);
    this.#onGuestError =
      onGuestError === undefined
        ? log
        : (error) =>
            callBack(
              () => onGuestError(error),
              () => log(error),
            );
    this.#occupants = new Occupants({ limits: this.limits, logger: this.#logger, onGuestError: this.#onGuestError });
    this.#current = new CurrentExecution(() => this.#occupants.runsScript, this.personWaits);
    this.#life = new EngineLife(this.limits, this.#occupants, this.#features);
    this.bus = options.bus ?? new MemoryPubSub({ logger: this.#logger });
    // A bus that was given to the engine belongs to whoever gave it.
    if (options.bus === undefined) this.onClose(() => this.bus.close());
    this.#setups = new SetupSequence(builtIns);
    for (const setup of options.setup ?? []) this.#setups.add(setup);
  }

  /** Adds a setup function; they run in order when the engine starts. */
  addSetupFunction(setup: SetupFunction): this {
    this.#setups.add(setup);
    return this;
  }

  /** Runs a setup function at once where the guest is there already, else with the others when the engine starts. */
  async setUp(setup: SetupFunction): Promise<void> {
    if (this.#life.isEnding) throw closedError();
    await this.#setups.addOrRun(setup, this);
  }

  /**
   * Makes the realm and runs the setup functions, one after the other. Idempotent.
   *
   * @throws {GeppettoError} ConfigError naming the setup function that threw, with its error as `cause` and with the
   *   code of that, where it is one of ours; and to a setup function of this engine that asks for it, which would wait for
   *   itself.
   */
  start(): Promise<void> {
    if (this.#setUpIn !== undefined && settingUp.getStore() === this.#setUpIn)
      return optional(Promise.reject(startingError()));
    if (this.#life.isEnding) return Promise.reject(closedError());
    this.#setups.begin();
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Runs classic script code in the global scope, so that `var`s and functions stay. Resolves with a copy of its value
   * (a promise is awaited); rejects with what it threw.
   */
  async runOnLoop(code: string): Promise<unknown> {
    return this.#life.track(this.#evaluate(this.#life.running().loop, code, "file:///loop.js"));
  }

  /**
   * Opens a session: code that runs in steps, each with what those before it have declared. One at a time, and no script
   * beside it.
   *
   * @param readers processes that read the code, for whoever opens sessions in several engines; not closed with this one
   * @throws {GeppettoError} ConfigError when the engine has not started, runs a script, or has a session already;
   *   StepError ERR_ENGINE_CLOSED when it is closed.
   * @example
   * const session = engine.session();
   * await session.run("const x = 1");
   * const { value } = await session.run("x + 1"); // 2
   */
  session(options: SessionOptions = {}, readers?: CodeReaders): Session {
    const { loop, runner } = this.#life.running();
    if (runner.busy || this.#occupants.session !== undefined) throw busyError();
    const session = new Session(
      {
        limits: this.limits,
        permissions: this.permissions,
        loop,
        ...(readers === undefined ? {} : { readers }),
        spent: () => this.#life.spent ?? (this.#life.isEnding ? closedError() : undefined),
        enter: (given) => {
          const span = startScriptSpan(this.#telemetry, { name: "session.js" }, given);
          const leave = span.run(() => this.#enter(given));
          return () => {
            leave();
            span.leave();
          };
        },
        begin: (context) => this.#features.begin(context),
        clear: () => this.#clear(),
        resetOutput: () => this.#features.sessionRuns(),
        end: (why) => {
          this.#life.spend(why);
          session.lost(why);
          return this.#life.end();
        },
        onGuestError: (error) => this.#onGuestError(error),
        track: (work) => this.#life.track(work),
        release: () => {
          if (this.#occupants.session === session) this.#occupants.session = undefined;
        },
      },
      options,
    );
    this.#occupants.session = session;
    return session;
  }

  /**
   * Runs one script to its end. How a script fails is part of the outcome, and so is a guest that earlier code has ended
   * (`process.exit()`, a limit) or that was killed; what fails on the host's side rejects.
   *
   * @throws {Error} with code "ENOENT" and its kin when the file cannot be read; {GeppettoError} when the engine is
   *   not started, closed, or runs a script already.
   */
  runScript(script: Script, options: RunScriptOptions = {}): Promise<ScriptOutcome> {
    return this.#life.track(this.#runScript(script, options));
  }

  async #runScript(script: Script, options: RunScriptOptions): Promise<ScriptOutcome> {
    checkRunOptions(options, RUN_OPTIONS);
    if (this.#life.spent !== undefined && !this.#life.isClosing) return failedOutcome("crashed", this.#life.spent);
    const { loop, runner } = this.#life.running();
    if (runner.busy || this.#occupants.session !== undefined) throw busyError();
    const lasting = lastingOptions(options, this.clock !== undefined);
    const ended = lasting && (await endedOutcome(lasting, loop.served));
    if (ended !== undefined) return ended;
    // Another script may have begun meanwhile.
    if (runner.busy) throw busyError();
    const { args = [], env = {}, input, signal, loadOnly = false } = options;
    const named = lasting === undefined ? options : { runId: lasting.id, ...options };
    const span = startScriptSpan(loadOnly ? undefined : this.#telemetry, script, named);
    // What is done for the script is done below its span.
    const leaveScope = span.run(() => this.#enter(named));
    const leave = hostTime.enter(options.tenant ?? "");
    const running = runner.run(
      (over) => loadScript(script, this.permissions, over),
      async (loaded) => {
        const { name, positions, refusals = [] } = loaded;
        if (lasting !== undefined) await this.#current.lasts(lasting, this.#executionHost(), loaded);
        for (const record of refusals) loop.expect(record);
        const allowed = this.permissions.environment();
        const context: ScriptContext = { argv: ["geppetto-js", name, ...args], env: { ...allowed, ...env } };
        if (input !== undefined) context.input = input;
        await this.#features.begin(context);
        if (positions !== undefined) await loop.enterChecked(FRAMES.positions_set, positions);
      },
      (mayGoOn) => {
        leaveScope();
        this.#clear();
        this.permissions.end();
        return this.#life.cleanUp(loop, mayGoOn);
      },
      (end) => {
        if (end !== "load") this.#journal?.stop();
        this.#current.lasting?.stop();
      },
      signal,
      { loadOnly },
    );
    try {
      const ran = await running;
      const outcome = (await this.#current.lasting?.finish(ran)) ?? ran;
      span.end(outcome);
      return outcome;
    } catch (error) {
      span.fail(error);
      await this.#current.lasting?.abandon();
      if (this.#life.spent === undefined || this.#current.lasting !== undefined) throw error;
      // Lost before the script had begun: that, too, is how it ended.
      return failedOutcome("crashed", this.#life.spent);
    } finally {
      leave();
      leaveScope();
      this.#current.end();
    }
  }

  /** The execution that lasts, where one does. */
  get execution(): Execution | undefined {
    return this.#current.lasting;
  }

  /** What was answered in the run that this one is to repeat, where it is to repeat one. */
  get recorded(): RecordedOps | undefined {
    return this.#recordedOps;
  }

  /** What the script that runs waits for, beyond what is under way. */
  get waits(): ExecutionWaits {
    return this.#current.waits;
  }

  /**
   * Sends something to the script that runs, for its `execution.receive(name)`, now or later.
   *
   * @throws {GeppettoError} ConfigError where no script runs; ValidationError for a payload that cannot cross.
   */
  async send(name: string, payload?: unknown): Promise<void> {
    await this.#current.send(name, payload);
  }

  /**
   * Answers a question of the script that runs: that of `execution.approve`.
   *
   * @throws {GeppettoError} ConfigError where no script runs; ValidationError with code ERR_EXECUTION_ANSWER where nobody has
   *   asked, or several have and the answer does not say which it is for.
   */
  async approve(answer: Answer): Promise<void> {
    await this.#current.approve(answer);
  }

  /**
   * Asks whoever answers the script that runs, as its `execution.approve` does: for the host's own hooks, such as `onApprove`.
   * Where the execution lasts it may be suspended meanwhile; the hook is called again when it is resumed, and a question that
   * it asks in the same place has the answer that was given.
   */
  async askApproval(question: string, options: QuestionOptions = {}): Promise<Consent> {
    return this.#current.ask(question, options);
  }

  #executionHost(): ExecutionHost {
    const { loop, runner } = this.#life.running();
    return { session: loop, runner, pace: this.pace, personWaits: this.personWaits, facts: () => this.#facts() };
  }

  /** From here on all is done for this execution, until what this returns is called. */
  #enter(options: RunScriptOptions): () => void {
    const scope = new ScriptScope(options, (error) =>
      this.#logger.warn(`Cannot tell of an event: onEvent failed: ${toErrorRecord(error).message}`),
    );
    this.#scope = scope;
    return () => {
      scope.end();
      if (this.#scope === scope) this.#scope = undefined;
    };
  }

  /** Ends what features of the host's have under way. */
  #clear(): void {
    this.clock?.clear();
    this.#features.reset();
  }

  /**
   * The events of all runs from now on, of whatever script, until the engine is closed. Each is acked when the next one
   * is asked for.
   *
   * @example
   * for await (const event of engine.events()) console.log(event.type);
   */
  events(options: EngineEventsOptions = {}): AsyncIterableIterator<StepEvent> {
    return iterateEvents(this.bus, options, (close) => this.#life.onClose(close));
  }

  /** What crosses the wall is kept, so that it can be replayed. */
  get isJournaled(): boolean {
    return this.#journal !== undefined;
  }

  /** Some line of a script may have run: what it has done cannot be undone by running it again elsewhere. */
  get hasBegun(): boolean {
    return this.#occupants.started?.runner.hasBegun ?? false;
  }

  /** Cancels every run; their `interrupt` events still reach the script. Says how many there were. */
  cancelRuns(): number {
    return this.#current.lasting?.cancelRuns() ?? this.#occupants.started?.loop.runs.cancelAll() ?? 0;
  }

  stats(): EngineStats {
    const loop = this.#occupants.started?.loop;
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

  /**
   * Registers what to end with the engine, for example a provider's connections. Ended last in, first out; at once where the
   * engine has ended.
   */
  onClose(end: () => void | Promise<void>): void {
    this.#life.onClose(end);
  }

  /**
   * Cancels runs, ends timers and ops, frees the isolate. A script that runs ends as "crashed" with ERR_ENGINE_CLOSED.
   *
   * With `drainMs` the engine takes nothing new, and lets the script, the calls of `runOnLoop`, and the runs and ops that
   * are under way come to their end. What has not done so in time is aborted (`end: "aborted"`). Idempotent; a later call
   * with a shorter time shortens it.
   */
  close(options: CloseOptions = {}): Promise<void> {
    return this.#life.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #scoped<T>(fn: () => T): T {
    const clock = this.clock ?? this.#current.lasting?.clock;
    const timed = clock === undefined ? fn : () => withTimeSource(clock, fn);
    const execution = this.#current.lasting;
    const kept = execution === undefined ? timed : () => execution.scoped(timed);
    if (this.#scope !== undefined) return this.#scope.run(kept);
    return this.#telemetry === undefined ? kept() : withTelemetry(this.#telemetry, undefined, kept);
  }

  async #start(): Promise<void> {
    const opening = openTelemetry(this.#telemetryOptions);
    if (opening !== undefined) {
      this.#telemetry = await opening;
      if (this.#life.isEnding) throw closedError();
      this.#telemetry.measure("engines", 1);
      this.onClose(() => this.#telemetry?.measure("engines", -1));
    }
    const loop = await RealmSession.create({
      bus: this.bus,
      clock: this.clock,
      limits: this.limits,
      createRealm: this.#createRealm,
      journal: this.#journal,
      recordedOps: this.#recordedOps,
      isTraced: this.#telemetry !== undefined,
      scoped: (fn) => this.#scoped(fn),
      turnTimeoutMs: () => this.#turnTimeoutMs(),
      listener: {
        onUncaught: (error) => this.#occupants.uncaught(error),
        onThrown: (copy) => void this.#occupants.thrown(copy),
        onExceeded: (error) => this.#occupants.exceeded(error),
        onLost: (kind, stack) => this.#life.lost(kind, stack),
        onEvent: (event) => {
          this.#current.lasting?.keepEvent(event);
          return this.#scope?.tell(event);
        },
        hearsEvents: () => this.#current.lasting !== undefined || this.#scope?.hearsEvents === true,
        onUnpublished: (topic, error) =>
          this.#logger.warn(`Cannot publish an event on "${topic}": ${toErrorRecord(error).message}`),
      },
    });
    if (this.#life.isEnding) {
      await loop.close(closedError());
      throw closedError();
    }
    const runner = new ScriptRunner(loop, this.limits, (asked) => this.permissions.noteClosedImport(asked));
    const started = { loop, runner };
    this.#occupants.started = started;
    registerScriptOps(
      loop,
      () => this.#occupants.owner(started),
      (code, isOfScript) => this.#life.exit(code, isOfScript),
    );
    registerSessionOps(loop, () => this.#occupants.session);
    const vm = new Vm(
      createVmHost(started, {
        limits: this.limits,
        clock: this.clock,
        pace: this.pace,
        whenKept: (then) => this.#current.whenKept(then),
        later: (entered) => this.#setups.later(entered),
        evaluate: (code, filename) => this.#evaluate(loop, code, filename),
        onScriptBegin: (listener) => this.#features.onScriptBegin(listener),
        onReset: (listener) => this.#features.onReset(listener),
        onSessionRun: (listener) => this.#features.onSessionRun(listener),
        endScript: (error) => this.#occupants.exceeded(error),
      }),
    );
    const inSetup = this.#setUpIn!;
    await this.#setups.run(vm, this, (setup, work) => this.#unlessFailed(setup, () => settingUp.run(inSetup, work)));
    this.#setUpIn = undefined;
  }

  /** What the host itself has the guest do, to set it up, is not the script's: it gets on with the shortest of limits. */
  #turnTimeoutMs(): number | undefined {
    const turnMs = this.#occupants.turnTimeoutMs;
    return this.#setUpIn === undefined || turnMs === undefined ? turnMs : Math.max(turnMs, SETUP_TURN_MS);
  }

  /** A setup function that fails ends the engine. */
  async #unlessFailed(setup: string, work: () => void | Promise<void>): Promise<void> {
    try {
      await Promise.race([work(), this.#life.closed]);
    } catch (error) {
      if (this.#life.isEnding) throw this.#life.spent ?? closedError();
      await this.close();
      throw setupError(setup, this.#life.spent ?? error);
    }
  }

  #evaluate(loop: RealmSession, code: string, filename: string): Promise<unknown> {
    return evaluate(loop, code, filename, {
      limits: this.limits,
      onThrown: (copy) => void this.#occupants.thrown(copy),
      onLost: (kind) => this.#life.lost(kind),
    });
  }
}
