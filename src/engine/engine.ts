import { createDeferred } from "../base/deferred.ts";
import { stderrLogger, type Logger } from "../base/logger.ts";
import type { Bus } from "../events/bus.ts";
import { MemoryPubSub } from "../events/memory-pub-sub.ts";
import { ProcessRealm } from "../sandbox/process-realm.ts";
import type { RealmFactory } from "../sandbox/realm.ts";
import { runtimeText } from "../sandbox/runtime-text.ts";
import { ThreadRealm } from "../sandbox/thread-realm.ts";
import { GeppettoError, toErrorRecord } from "../shared/errors.ts";
import type { ErrorRecord } from "../shared/frames.ts";
import { EventLoop, toHostError, type LossKind } from "./event-loop.ts";
import { parseFields, parseResult } from "./guest-messages.ts";
import { limitError, resolveLimits, type EngineLimits } from "./limits.ts";
import { loadScript, type LoadedScript, type Script } from "./load-script.ts";
import { ScriptRun, type ScriptEnd, type ScriptError, type ScriptOutcome, type ScriptResult } from "./script-run.ts";
import { Vm, type ScriptContext } from "./vm.ts";

/** Shapes the guest of an engine before any script runs in it. */
export type SetupFunction = (vm: Vm, engine: Engine) => void | Promise<void>;

export interface EngineOptions {
  /**
   * "process" (default): the guest lives in a process of its own, which is killed when it exceeds a limit. "thread": in
   * this process, for scripts that you trust not to be hostile; such a guest can stall or crash its host.
   */
  isolation?: "process" | "thread";
  limits?: Partial<EngineLimits>;
  /** Where the events of runs are published; default a {@link MemoryPubSub} of the engine's own. */
  bus?: Bus;
  logger?: Logger;
  /** Setup functions to start with. */
  setup?: readonly SetupFunction[];
  /** Hears of errors that no script owns: those of code that `runOnLoop` ran. Default: the logger. */
  onGuestError?: (error: ScriptError) => void;
}

export interface RunScriptOptions {
  /** What the script finds in `process.argv` after its own name. */
  args?: readonly string[];
  /** What the script finds in `process.env`. */
  env?: Readonly<Record<string, string>>;
  /** What the script reads with `input()`; without it there is no such global. */
  input?: string;
  /** Ends the script: pending runs are cancelled, the outcome is "aborted". */
  signal?: AbortSignal;
}

export interface EngineStats {
  turns: number;
  cpuMs: number;
  timers: number;
  runs: number;
  ops: number;
  topics: number;
}

/**
 * One realm with a bridge and an event loop; it knows no feature, features arrive as setup functions. `close()` ends
 * everything that runs in it, is idempotent, and is what `await using` calls.
 */
export class Engine implements AsyncDisposable {
  readonly bus: Bus;
  readonly limits: EngineLimits;
  readonly #createRealm: RealmFactory;
  readonly #logger: Logger;
  readonly #setups: SetupFunction[];
  readonly #onGuestError: (error: ScriptError) => void;
  readonly #beginListeners = new Set<(context: ScriptContext) => Promise<void>>();
  readonly #resetListeners = new Set<() => void>();
  readonly #closeListeners: (() => void | Promise<void>)[] = [];
  #loop: EventLoop | undefined;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #script: ScriptRun | undefined;
  #deadline: number | undefined;

  constructor(options: EngineOptions = {}, builtIns: readonly SetupFunction[] = []) {
    this.limits = resolveLimits(options.limits);
    this.#createRealm = REALMS[checkedIsolation(options.isolation ?? "process")];
    this.bus = options.bus ?? new MemoryPubSub();
    // A bus that was given to the engine belongs to whoever gave it.
    if (options.bus === undefined) this.onClose(() => this.bus.close());
    this.#logger = options.logger ?? stderrLogger;
    this.#setups = [...builtIns, ...(options.setup ?? [])];
    this.#onGuestError = options.onGuestError ?? ((error) => this.#logger.error(`Uncaught ${error.stack ?? error.message}`));
  }

  /** Adds a setup function; they run in order when the engine starts. */
  addSetupFunction(setup: SetupFunction): this {
    if (typeof setup !== "function") {
      throw new TypeError(`Cannot add a setup function: expected a function, not ${typeof setup}`);
    }
    if (this.#starting !== undefined) throw new GeppettoError("ConfigError", "Cannot add a setup function: the engine has started");
    this.#setups.push(setup);
    return this;
  }

  /**
   * Makes the realm and runs the setup functions, one after the other. Idempotent.
   *
   * @throws {Error} naming the setup function that threw, with its error as `cause`.
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
    const loop = this.#running();
    if (this.#script !== undefined) {
      throw new GeppettoError("ConfigError", "Cannot run a script: the engine runs one already; use one engine for each");
    }
    const run = new ScriptRun();
    this.#script = run;
    const startedAt = performance.now();
    const turns = loop.turns;
    const { cpuMs } = loop;
    const { wallMs } = this.limits;
    const stopWatching = this.#watch(options.signal);
    try {
      const source = await loadScript(script);
      await loop.reset({ scriptBegins: true });
      this.#deadline = wallMs === undefined ? undefined : performance.now() + wallMs;
      const context: ScriptContext = { argv: ["geppetto-js", source.name, ...(options.args ?? [])], env: { ...options.env } };
      if (options.input !== undefined) context.input = options.input;
      for (const listener of this.#beginListeners) await listener(context);
      loop.ledger.onIdle = () => run.idle(loop.ledger.empty);
      if (!run.over) this.#runBody(loop, run, source);
      const outcome = await run.ended;
      const stats = { durationMs: performance.now() - startedAt, cpuMs: loop.cpuMs - cpuMs, turns: loop.turns - turns };
      return { ...outcome, stats };
    } finally {
      stopWatching();
      this.#deadline = undefined;
      loop.ledger.onIdle = () => {};
      await this.#cleanUp(loop);
      this.#script = undefined;
    }
  }

  /** Cancels every run; their `interrupt` events still reach the script. Says how many there were. */
  cancelRuns(): number {
    return this.#loop?.runs.cancelAll() ?? 0;
  }

  stats(): EngineStats {
    const loop = this.#loop;
    return {
      turns: loop?.turns ?? 0,
      cpuMs: loop?.cpuMs ?? 0,
      timers: loop?.ledger.count("timer") ?? 0,
      runs: loop?.activeRuns ?? 0,
      ops: loop?.ops.pending ?? 0,
      topics: this.bus.topics().length,
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

  async #start(): Promise<void> {
    const loop = await EventLoop.create({
      bus: this.bus,
      limits: this.limits,
      createRealm: this.#createRealm,
      turnTimeoutMs: () => this.#turnTimeoutMs(),
      listener: {
        onUncaught: (error) => this.#uncaught(error),
        onFailure: (kind) => this.#failed(kind),
      },
    });
    this.#loop = loop;
    this.#registerOps(loop);
    const vm = this.#createVm(loop);
    for (const setup of this.#setups) {
      try {
        await setup(vm, this);
      } catch (error) {
        this.#closing = this.#release();
        await this.#closing;
        const name = setup.name === "" ? "a setup function" : `the setup function "${setup.name}"`;
        throw new Error(`Cannot start the engine: ${name} failed: ${toErrorRecord(error).message}`, { cause: error });
      }
    }
  }

  #createVm(loop: EventLoop): Vm {
    return new Vm({
      limits: this.limits,
      enter: (kind, ...body) => loop.enter(kind, ...body),
      enterChecked: (kind, ...body) => loop.enterChecked(kind, ...body),
      evaluate: (code, filename) => this.#evaluate(loop, code, filename),
      setOp: (name, handler, options) => loop.ops.set(name, handler, options),
      registerStep: (name, step) => loop.runs.register(name, step),
      hold: (kind, options) => loop.ledger.hold(kind, options),
      onScriptBegin: (listener) => void this.#beginListeners.add(listener),
      onReset: (listener) => void this.#resetListeners.add(listener),
      endScript: (error) => this.#end("limit", toErrorRecord(error), true),
      turns: () => loop.turns,
      quiet: (maxTurns) => loop.quiet(maxTurns),
    });
  }

  #registerOps(loop: EventLoop): void {
    const sync = { mode: "sync" } as const;
    loop.ops.set("script_done", (args) => this.#whenDone(parseResult(args)), sync);
    loop.ops.set("script_exit", (args) => this.#exit(parseFields(args)["code"]), sync);
  }

  #running(): EventLoop {
    if (this.#closing !== undefined) throw closedError();
    if (this.#loop === undefined) throw new GeppettoError("ConfigError", "Cannot run code: the engine has not started; await engine.start() first");
    return this.#loop;
  }

  #evaluate(loop: EventLoop, code: string, filename: string): Promise<unknown> {
    const { promise, resolve, reject } = createDeferred<unknown>();
    void loop.run(
      { code, filename, kind: "classic", lineOffset: 0 },
      {
        onSettled: ({ value, uncopied }) => (uncopied === undefined ? resolve(value) : reject(toHostError(uncopied))),
        onFailed: (error) => reject(toHostError(error)),
        onTurnFailed: (failure, settled) => {
          if (failure.kind === "thrown" || failure.kind === "load") {
            if (settled) this.#uncaught(failure.error);
            else reject(toHostError(failure.error));
          } else {
            this.#failed(failure.kind);
            reject(this.#realmError(failure.kind));
          }
        },
      },
    );
    return promise;
  }

  #runBody(loop: EventLoop, run: ScriptRun, { name, ...source }: LoadedScript): void {
    void loop.run(
      { ...source, filename: `file:///${name}` },
      {
        onSettled: (result) => run.settle(result),
        onFailed: (error) => {
          if (!run.over) this.#uncaught(error);
        },
        onTurnFailed: (failure) => {
          if (failure.kind === "thrown") this.#uncaught(failure.error);
          else if (failure.kind === "load") this.#end("load", { ...failure.error, code: "ERR_SCRIPT_LOAD" }, true);
          else this.#failed(failure.kind);
        },
      },
    );
  }

  /** Ends the script at the host's signal and at its time limit. Returns what stops the watching. */
  #watch(signal: AbortSignal | undefined): () => void {
    const { wallMs } = this.limits;
    const onAbort = (): void => {
      this.#end("aborted", { name: "AbortError", message: "The script was aborted by its host", code: "ERR_ABORTED" }, true);
    };
    const timer = wallMs === undefined ? undefined : setTimeout(() => this.#exceeded("wallMs"), wallMs);
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    return () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
  }

  #exceeded(limit: "wallMs" | "turnMs" | "memoryMB"): void {
    this.#end("limit", toErrorRecord(limitError(limit, this.limits[limit] ?? 0)), true);
  }

  #end(end: ScriptEnd, error: ErrorRecord, fromHost: boolean): void {
    if (this.#script === undefined || this.#script.over) return;
    // From here on nothing that the guest does has an effect.
    if (this.#loop !== undefined) this.#loop.ops.accepting = false;
    this.#script.fail(end, { ...error, fromHost });
  }

  #uncaught(error: ErrorRecord): void {
    const known = this.#loop?.hostRecord(error);
    const scriptError: ScriptError = { ...error, ...known, fromHost: known !== undefined };
    if (this.#script !== undefined) this.#end("uncaught", scriptError, scriptError.fromHost);
    else this.#onGuestError(scriptError);
  }

  #failed(kind: LossKind): void {
    if (this.#closing !== undefined || this.#script?.over === true) return;
    if (kind === "memory") this.#exceeded("memoryMB");
    else if (kind === "timeout") this.#exceeded(this.#pastDeadline() ? "wallMs" : "turnMs");
    else this.#end("crashed", toErrorRecord(this.#realmError(kind)), true);
    if (this.#script === undefined) this.#logger.error(this.#realmError(kind).message);
  }

  #realmError(kind: LossKind): GeppettoError {
    if (kind === "memory") return limitError("memoryMB", this.limits.memoryMB);
    if (kind === "timeout") return limitError("turnMs", this.limits.turnMs ?? 0);
    if (kind === "disposed") return closedError();
    return new GeppettoError("StepError", "The JavaScript engine that ran the script died", { code: "ERR_ENGINE_CRASHED" });
  }

  #whenDone(result: ScriptResult): void {
    if (this.#script === undefined) return;
    this.#script.done(result);
    if (this.#loop !== undefined) this.#loop.ops.accepting = false;
  }

  /** Codes 0 to 63 are the script's own; the rest is for what the host has to say. */
  #exit(code: unknown): void {
    const own = typeof code === "number" && Number.isInteger(code) && code >= 0 && code <= 63;
    this.#script?.exit(own ? code : 1);
    // The guest waits in an endless loop to be ended: its realm is spent.
    void this.close();
  }

  /** After a script nothing of it is left. A turn that does not end takes the realm with it. */
  async #cleanUp(loop: EventLoop): Promise<void> {
    for (const listener of this.#resetListeners) listener();
    if (loop.disposed || this.#closing !== undefined) return this.close();
    loop.ops.accepting = false;
    loop.ops.abortAll(new GeppettoError("AbortError", "The script has ended"));
    if (loop.busy && this.#script?.cutOff === true) return this.close();
    await loop.reset({ scriptBegins: false });
  }

  #pastDeadline(): boolean {
    return this.#deadline !== undefined && performance.now() >= this.#deadline;
  }

  #turnTimeoutMs(): number | undefined {
    const { turnMs } = this.limits;
    if (this.#deadline === undefined) return turnMs;
    const left = Math.max(1, this.#deadline - performance.now());
    return turnMs === undefined ? left : Math.min(turnMs, left);
  }

  async #close(): Promise<void> {
    await this.#starting?.catch(() => {});
    await this.#release();
  }

  async #release(): Promise<void> {
    this.#end("crashed", toErrorRecord(closedError()), true);
    for (const listener of this.#resetListeners) listener();
    await this.#loop?.close(closedError());
    for (const end of this.#closeListeners) await end();
  }
}

const REALMS = {
  process: (doors, limits) => ProcessRealm.create(doors, limits),
  thread: (doors, limits) => ThreadRealm.create(doors, limits, { runtime: runtimeText() }),
} satisfies Record<string, RealmFactory>;

function checkedIsolation(isolation: string): keyof typeof REALMS {
  if (isolation === "process" || isolation === "thread") return isolation;
  throw new GeppettoError("ConfigError", `Cannot use isolation "${isolation}": it is "process" or "thread"`);
}

function closedError(): GeppettoError {
  return new GeppettoError("StepError", "The engine is closed", { code: "ERR_ENGINE_CLOSED" });
}
