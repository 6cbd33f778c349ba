import { createDeferred, type Deferred } from "../../base/deferred.ts";
import { LoadError } from "../../modules/load-error.ts";
import { toErrorRecord, type GeppettoError } from "../../shared/errors.ts";
import type { ResultCopy } from "../../shared/contract/ops.ts";
import type { Waiting } from "../../journal/executions/journal.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import { SourcePlaces } from "../../shared/source-positions.ts";
import { realmError } from "../engine-errors.ts";
import type { RealmSession, LossKind } from "../realm-session.ts";
import { limitError, type EngineLimits } from "../limits.ts";
import { loadErrorFor, type LoadedScript } from "./load-script.ts";
import {
  abortedError,
  cancelledError,
  ScriptRun,
  type ScriptEnd,
  type ScriptError,
  type ScriptOutcome,
} from "./script-run.ts";
import { INTERRUPT_MS, watchLimits } from "./watch-limits.ts";

/** From how long before it on a deadline limits each turn, in milliseconds. */
const NEAR_MS = 10_000;

/** Runs scripts on a loop, one at a time, and decides why each is over. */
export class ScriptRunner {
  readonly #loop: RealmSession;
  readonly #limits: EngineLimits;
  readonly #onClosedImport: (asked: string) => void;
  #script: ScriptRun | undefined;
  #hasBegun = false;
  #deadline: number | undefined;
  #isLoading = false;
  /** Resolved with the place of the turn that was running when the time was up. */
  #interrupted: Deferred<string | undefined> = createDeferred();
  /** Of the script that runs, where it was put together from modules. */
  #places: SourcePlaces | undefined;
  /** A turn of the script was cut short: what it has left in the queue of microtasks would run with the next entry. */
  #isCut = false;

  /** @param onClosedImport told what a script would import where nothing may be imported */
  constructor(loop: RealmSession, limits: EngineLimits, onClosedImport: (asked: string) => void) {
    this.#loop = loop;
    this.#limits = limits;
    this.#onClosedImport = onClosedImport;
  }

  /** Some line of a script may have run. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** A script is being run, or cleaned up after. */
  get busy(): boolean {
    return this.#script !== undefined;
  }

  /**
   * Longest time that the next turn may take, in milliseconds. A deadline that is far is not a limit of each turn, which
   * would cost each some microseconds: at the deadline the script ends, and its realm with it where a turn goes on.
   */
  get turnTimeoutMs(): number | undefined {
    const { turnMs } = this.#limits;
    const left = this.#deadline === undefined ? Infinity : Math.max(1, this.#deadline - performance.now());
    if (left > NEAR_MS) return turnMs;
    return turnMs === undefined ? left : Math.min(turnMs, left);
  }

  /**
   * Runs one script to its end.
   *
   * @param load reads it, until the signal says that it is over; what that throws is thrown here
   * @param begin prepares the guest for it
   * @param cleanUp leaves nothing of it; told whether something of it may still be running, or would go on
   * @param onOver hears how it ended, before that is cleaned up
   */
  async run(
    load: (over: AbortSignal) => Promise<LoadedScript>,
    begin: (source: LoadedScript) => Promise<void>,
    cleanUp: (mayGoOn: boolean) => Promise<void>,
    onOver: (end: ScriptEnd) => void,
    signal: AbortSignal | undefined,
    { loadOnly = false }: { loadOnly?: boolean } = {},
  ): Promise<ScriptOutcome> {
    const loop = this.#loop;
    const run = new ScriptRun();
    this.#script = run;
    this.#isCut = false;
    const startedAt = performance.now();
    const { turns, cpuMs } = loop;
    let stopWatching = (): void => {};
    try {
      stopWatching = this.#watch(signal);
      const source = await this.#load(run, load);
      if (source !== undefined && !(source instanceof LoadError)) {
        await loop.reset({ scriptBegins: true });
        const { wallMs } = this.#limits;
        this.#deadline = wallMs === undefined ? undefined : startedAt + wallMs;
        try {
          await begin(source);
        } catch (error) {
          // Its guest is gone, and that is how it ended.
          if (!run.over) throw error;
        }
        loop.ledger.onIdle = () => run.idle(loop.ledger.empty);
        if (!run.over) {
          this.#hasBegun ||= !loadOnly;
          this.#runBody(run, source, loadOnly);
        }
      }
      const outcome = await run.ended;
      onOver(outcome.end);
      const stats = { durationMs: performance.now() - startedAt, cpuMs: loop.cpuMs - cpuMs, turns: loop.turns - turns };
      return { ...outcome, stats, ...(source?.sources === undefined ? {} : { sources: source.sources }) };
    } finally {
      stopWatching();
      this.#deadline = undefined;
      this.#places = undefined;
      loop.ledger.onIdle = () => {};
      await cleanUp(this.#isCut || (run.cutOff && loop.busy));
      this.#script = undefined;
    }
  }

  /** Ends the script that is running, if any: from here on nothing that its guest does has an effect. */
  end(end: ScriptEnd, error: ErrorRecord, fromHost = true): void {
    if (this.#script === undefined || this.#script.over) return;
    this.#loop.ops.accepting = false;
    this.#script.fail(end, { ...error, fromHost }, end === "limit" ? this.#loop.pending() : undefined);
  }

  /** The same, and its guest is of no more use. */
  cut(end: ScriptEnd, error: ErrorRecord): void {
    if (this.#script === undefined) return;
    this.#isCut = true;
    this.end(end, error);
  }

  /** Somebody has cancelled its execution, for good. */
  cancel(): void {
    if (this.#script === undefined || this.#script.over) return;
    this.#loop.ops.accepting = false;
    this.#script.cancel({ ...toErrorRecord(cancelledError()), fromHost: true });
  }

  /** It waits for long: it goes no further here, and its guest with it. */
  suspend(waitsFor: readonly Waiting[]): void {
    if (this.#script === undefined || this.#script.over) return;
    this.#isCut = true;
    this.#loop.ops.accepting = false;
    this.#script.suspend(waitsFor);
  }

  done(result: ResultCopy): void {
    if (this.#script === undefined) return;
    this.#script.done(result);
    this.#loop.ops.accepting = false;
  }

  exit(code: number): void {
    this.#script?.exit(code);
  }

  /** What the script has set `process.exitCode` to. */
  setExitCode(code: number | undefined): void {
    if (this.#script !== undefined) this.#script.exitCode = code;
  }

  /** A run of the script's has failed; until the script looks at the error nobody has. */
  keepError(runId: string, error: ScriptError): void {
    this.#script?.keepError(runId, error);
  }

  lookAtError(runId: string): void {
    this.#script?.lookAtError(runId);
  }

  /** Nobody in the guest caught this. False when no script is running to own it. */
  uncaught(error: ScriptError): boolean {
    if (this.#script === undefined) return false;
    this.end("uncaught", error, error.fromHost);
    return true;
  }

  /** The same, of an error of which only a copy is known: the script does nothing more while the guest tells the rest. */
  thrown(copy: ErrorRecord): boolean {
    const script = this.#script;
    if (script === undefined) return false;
    if (script.over) return true;
    this.#loop.ops.accepting = false;
    const release = this.#loop.ledger.hold("turn");
    void this.#loop.recall(copy).then((error) => {
      if (this.#script === script) this.uncaught(this.#loop.identify(error));
      release();
    });
    return true;
  }

  /** A turn was lost, and with it the script. The stack is of where the turn was, if that is known. */
  lost(kind: LossKind, stack?: string): void {
    this.#interrupted.resolve(stack);
    if (kind === "memory") this.#exceeded("memoryMB");
    else if (kind === "timeout") {
      this.#isCut = true;
      // The realm has a clock of its own, which may be a little ahead.
      const isTurn = this.#limits.turnMs !== undefined && !this.#pastDeadline();
      this.#exceeded(isTurn ? "turnMs" : "wallMs", stack);
    } else this.end("crashed", toErrorRecord(realmError(kind, this.#limits)));
  }

  exceeded(error: GeppettoError, stack?: string): void {
    this.end("limit", { ...toErrorRecord(error), ...this.#where(stack) });
  }

  #where(stack: string | undefined): { stack?: string } {
    return stack === undefined ? {} : { stack: this.#places?.translateStack(stack) ?? stack };
  }

  /** What is to run; undefined when the script was over before it had been read. */
  async #load(
    run: ScriptRun,
    load: (over: AbortSignal) => Promise<LoadedScript>,
  ): Promise<LoadedScript | LoadError | undefined> {
    const over = new AbortController();
    this.#isLoading = true;
    const loading = load(over.signal);
    loading.catch(() => {});
    try {
      return await Promise.race([loading, run.ended.then(() => undefined)]);
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
      this.end("load", { code: "ERR_SCRIPT_LOAD", ...error.record });
      return error;
    } finally {
      this.#isLoading = false;
      over.abort();
    }
  }

  #runBody(run: ScriptRun, { name, code, kind, lineOffset, positions }: LoadedScript, loadOnly: boolean): void {
    const places = positions === undefined ? undefined : new SourcePlaces(positions);
    this.#places = places;
    void this.#loop.run(
      { code, kind, lineOffset, filename: `file:///${name}`, ...(loadOnly ? { loadOnly } : {}) },
      {
        onSettled: (result) => run.settle(result),
        onFailed: (error) => {
          if (!run.over) this.uncaught(this.#loop.identify(error));
        },
        onTurnFailed: (failure) => {
          if (failure.kind === "thrown") this.thrown(failure.error);
          else if (failure.kind === "load") this.#notLoaded(loadErrorFor(failure.error, name, places));
          else this.lost(failure.kind, failure.kind === "timeout" ? failure.stack : undefined);
        },
      },
    );
  }

  #notLoaded(error: ErrorRecord): void {
    const asked = /^import denied: (.*): nothing may be imported;/.exec(error.message)?.[1];
    if (error.name !== "PermissionError" || asked === undefined) {
      this.end("load", { ...error, code: "ERR_SCRIPT_LOAD" });
      return;
    }
    this.end("load", { ...error, code: "ERR_PERMISSION" });
    try {
      this.#onClosedImport(asked);
    } catch {
      // It is denied whether or not that can be noted.
    }
  }

  /** Ends the script at the host's signal and at its limits of time. Returns what stops the watching. */
  #watch(signal: AbortSignal | undefined): () => void {
    const watched = {
      abort: () => this.end("aborted", toErrorRecord(abortedError())),
      timeIsUp: () => this.#timeIsUp(),
      cpuTimeIsUp: () => this.#exceeded("cpuMs"),
    };
    return watchLimits(watched, this.#loop, this.#limits, signal);
  }

  /** Ends the script; a turn that is running is given a moment to tell where it was. */
  #timeIsUp(): void {
    const script = this.#script;
    if (script === undefined || script.over) return;
    if (!this.#loop.busy) return this.#exceeded("wallMs");
    const interrupted = createDeferred<string | undefined>();
    this.#interrupted = interrupted;
    const late = setTimeout(() => interrupted.resolve(undefined), INTERRUPT_MS);
    void interrupted.promise.then(() => clearTimeout(late));
    this.#loop.ops.accepting = false;
    const error = { ...toErrorRecord(limitError("wallMs", this.#limits.wallMs ?? 0, this.#meanwhile)), fromHost: true };
    const told = interrupted.promise.then((stack) => ({ ...error, ...this.#where(stack) }));
    script.fail("limit", error, this.#loop.pending(), told);
  }

  #exceeded(limit: "wallMs" | "cpuMs" | "turnMs" | "memoryMB", stack?: string): void {
    this.exceeded(limitError(limit, this.#limits[limit] ?? 0, this.#meanwhile), stack);
  }

  /** What the script was doing, where that is not its own work. */
  get #meanwhile(): string {
    return this.#isLoading ? "while its modules were being loaded" : "";
  }

  #pastDeadline(): boolean {
    return this.#deadline !== undefined && performance.now() >= this.#deadline;
  }
}
