import { FRAMES } from "../../shared/contract/frame-kinds.ts";
import type { ResultCopy } from "../../shared/contract/ops.ts";
import type { SessionPlan } from "../../shared/contract/sessions.ts";
import { GeppettoError, toErrorRecord } from "../../shared/errors.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import { SourcePlaces } from "../../shared/source-positions.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";
import { limitError, type EngineLimits } from "../limits.ts";
import type { RealmSession } from "../realm-session.ts";
import { abortedError, ScriptRun, type ScriptEnd, type ScriptError, type ScriptOutcome } from "../script/script-run.ts";
import { INTERRUPT_MS, watchLimits } from "../script/watch-limits.ts";
import { SESSION_RUN_LIMITS, type SessionRunOptions } from "./session-options.ts";

type Ended = Omit<ScriptOutcome, "stats" | "sources">;

/** One run of a session: until its code has settled, or it was cut short. */
export class SessionRun {
  readonly name: string;
  readonly id: number;
  /** Aborted when the run is over: nobody waits for its code any more. */
  readonly isOver = new AbortController();
  isIncomplete = false;
  readonly #loop: RealmSession;
  readonly #limits: Pick<EngineLimits, "wallMs" | "cpuMs" | "turnMs">;
  readonly #signal: AbortSignal | undefined;
  readonly #script = new ScriptRun();
  /** Errors that are being told. */
  readonly #telling = new Set<Promise<void>>();
  readonly #deadline: number | undefined;
  #uncaughtCount = 0;
  #isSettling = false;
  #places: SourcePlaces[] = [];
  static #nextId = 1;

  /** @throws {GeppettoError} ConfigError for limits that are not positive numbers, or none of a run. */
  constructor(
    { loop, limits }: { loop: RealmSession; limits: EngineLimits },
    name: string,
    { limits: own = {}, signal }: SessionRunOptions,
  ) {
    refuseWrong("limit the run", own, SESSION_RUN_LIMITS);
    this.#loop = loop;
    this.name = name;
    this.id = SessionRun.#nextId++;
    this.#signal = signal;
    this.#limits = {
      wallMs: least(limits.wallMs, own.wallMs),
      cpuMs: least(limits.cpuMs, own.cpuMs),
      turnMs: least(limits.turnMs, own.turnMs),
    };
    this.#deadline = this.#limits.wallMs === undefined ? undefined : performance.now() + this.#limits.wallMs;
    void this.#script.ended.then(() => this.isOver.abort());
  }

  static tooLong({ turnMs, wallMs }: Pick<EngineLimits, "turnMs" | "wallMs">): GeppettoError {
    return limitError("turnMs", turnMs ?? wallMs ?? 0);
  }

  get ended(): Promise<Ended> {
    return this.#script.ended;
  }

  get over(): boolean {
    return this.#script.over;
  }

  /** A limit or the host has ended it while something of it may still have been under way. */
  get isCut(): boolean {
    return this.#script.cutOff;
  }

  /** Each turn may take what is left of its time: a guest that is interrupted in time is not lost. */
  get turnTimeoutMs(): number | undefined {
    const left = this.#deadline === undefined ? undefined : Math.max(1, this.#deadline - performance.now());
    return least(this.#limits.turnMs, left);
  }

  /** Ends the run at the host's signal and at its limits. Returns what stops the watching. */
  watch(): () => void {
    const watched = {
      abort: () => this.abort(),
      timeIsUp: (wallMs: number) => this.#timeIsUp(wallMs),
      cpuTimeIsUp: (cpuMs: number) => this.cut("limit", hostError(limitError("cpuMs", cpuMs))),
    };
    const stop = watchLimits(watched, this.#loop, this.#limits, this.#signal);
    return () => {
      stop();
      this.#loop.ledger.onIdle = () => {};
    };
  }

  /** Has the guest evaluate the code. */
  enter(plan: SessionPlan, awaits: boolean): void {
    const { ledger } = this.#loop;
    this.#places = plan.positions.map((positions) => new SourcePlaces(positions));
    ledger.onIdle = () => {
      if (!this.#isSettling && this.#telling.size === 0) this.#script.idle(ledger.empty);
    };
    void this.#loop.enter(FRAMES.session_run, this.id, plan, awaits);
  }

  /** The code has come to this value. What else its turn brings about still belongs to it. */
  settled(result: ResultCopy): void {
    this.#endWithTurn(() => {
      this.#script.settle(result);
      this.#script.idle(false);
    });
  }

  failed(error: ScriptError): void {
    this.#endWithTurn(() => this.#script.fail("uncaught", error));
  }

  done(result: ResultCopy): void {
    this.#endWithTurn(() => this.#script.done(result));
  }

  exit(code: number): void {
    this.#script.exit(code);
  }

  uncaught(error: ScriptError): void {
    this.#script.keepError(`uncaught ${++this.#uncaughtCount}`, error);
  }

  keepError(runId: string, error: ScriptError): void {
    this.#script.keepError(runId, error);
  }

  lookAtError(runId: string): void {
    this.#script.lookAtError(runId);
  }

  /** The run is not over before this has been told. */
  waitFor(told: Promise<void>): void {
    this.#telling.add(told);
    void told.then(() => this.#telling.delete(told));
  }

  /** It does not load. */
  refuse(error: ErrorRecord, fromHost = false): void {
    this.#script.fail("load", { code: "ERR_SCRIPT_LOAD", ...error, fromHost });
  }

  abort(): void {
    this.cut("aborted", hostError(abortedError()));
  }

  cut(end: ScriptEnd, error: ScriptError): void {
    if (this.over) return;
    this.#loop.ops.accepting = false;
    this.#script.fail(end, error, end === "limit" ? this.#loop.pending() : undefined);
  }

  /** V8's own clock stands while a loop asks this: at the end of its time the run is over here. */
  mayGoOn(): boolean {
    const { wallMs } = this.#limits;
    if (this.#deadline !== undefined && performance.now() >= this.#deadline) {
      this.cut("limit", hostError(limitError("wallMs", wallMs ?? 0)));
    }
    return !this.over;
  }

  turnTooLong(stack: string | undefined): void {
    const { turnMs, wallMs } = this.#limits;
    const isLate = this.#deadline !== undefined && performance.now() >= this.#deadline - 1;
    const isTurn = turnMs !== undefined && !isLate;
    const error = hostError(isTurn ? limitError("turnMs", turnMs) : limitError("wallMs", wallMs ?? 0));
    this.cut("limit", stack === undefined ? error : { ...error, stack: this.#translate(stack) });
  }

  /** The stack of a turn that was interrupted is as V8 made it. */
  #translate(stack: string): string {
    const frames = stack.replaceAll(/^(\s+at )eval \((file:.*)\)$/gm, "$1$2");
    return this.#places.reduce((text, places) => places.translateStack(text), frames);
  }

  /** A turn that is running is interrupted at the same time, and tells where it was. */
  #timeIsUp(wallMs: number): void {
    const isComputing = this.#loop.busy && this.#loop.ops.blocking === 0;
    const end = (): void => this.cut("limit", hostError(limitError("wallMs", wallMs)));
    if (!isComputing) return end();
    const late = setTimeout(end, INTERRUPT_MS);
    void this.ended.then(() => clearTimeout(late));
  }

  /** Once: what comes first counts. */
  #endWithTurn(end: () => void): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    void this.#afterTurn(end);
  }

  /** An entry waits for the turn that is under way, and for the errors of that. */
  async #afterTurn(end: () => void): Promise<void> {
    try {
      await this.#loop.enterChecked(FRAMES.error_recall, "");
    } catch {
      // The guest has gone: that is how the run ends.
    }
    await Promise.all(this.#telling);
    end();
  }
}

function hostError(error: GeppettoError): ScriptError {
  return { ...toErrorRecord(error), fromHost: true };
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
