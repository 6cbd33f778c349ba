import { createDeferred } from "../../base/deferred.ts";
import type { PersonWaits } from "../../base/calls/person-waits.ts";
import type {
  Answer,
  ExecutionLease,
  ExecutionRecord,
  Journal,
  NumberedMessage,
} from "../../journal/executions/journal.ts";
import type { JournalFacts } from "../../journal/journal-record.ts";
import { FRAMES, type ExecutionBegin } from "../../shared/contract/frame-kinds.ts";
import type { ClockReads } from "../../shared/contract/features.ts";
import { encodeValue } from "../../shared/codec.ts";
import { toErrorRecord } from "../../shared/errors.ts";
import { toFrame as toEntry } from "../entry-queue.ts";
import type { StepEvent } from "../../shared/step-events.ts";
import type { ExecutionOptions } from "../engine-options.ts";
import type { RealmSession } from "../realm-session.ts";
import type { LoadedScript } from "../script/load-script.ts";
import type { ScriptOutcome } from "../script/script-run.ts";
import type { ScriptRunner } from "../script/script-runner.ts";
import { RequestCount } from "./carried-answers.ts";
import { EventKeeper } from "./event-keeper.ts";
import { ExecutionClock } from "./execution-clock.ts";
import { otherSource } from "./execution-errors.ts";
import { ExecutionWaits } from "./execution-waits.ts";
import { GuestReplay } from "./guest-replay.ts";
import { HostReplay } from "./host-replay.ts";
import { OutsideKeeper } from "./outside-keeper.ts";
import type { Pace, Timing } from "./pace.ts";
import { checkEngine, newBeginning, newPast, readPast, type Checkpoint, type Past } from "./past.ts";
import { RECORDS } from "./tape-record.ts";
import type { TapeIndex } from "./tape-index.ts";
import { Tape } from "./tape.ts";
import { Wall } from "./wall.ts";

/** What the engine lends to an execution. */
export interface ExecutionHost {
  session: RealmSession;
  runner: ScriptRunner;
  pace: Pace;
  personWaits: PersonWaits;
  facts(): JournalFacts;
}

const DEFAULT_SUSPEND_AFTER_MS = 5000;
/** How long what is called once may take, where nobody knows what became of another such call, in milliseconds. */
const ONCE_PATIENCE_MS = 5000;

/**
 * One attempt at an execution that lasts: the script's half of it is in the guest, and all that crosses is kept. A further
 * attempt brings host and guest back to where they were, and goes on from there.
 */
export class Execution {
  readonly clock: ExecutionClock;
  readonly waits: ExecutionWaits;
  readonly #options: ExecutionOptions;
  readonly #host: ExecutionHost;
  readonly #lease: ExecutionLease;
  readonly #past: Past;
  readonly #tape: Tape;
  readonly #keeper: OutsideKeeper;
  readonly #events: EventKeeper | undefined;
  readonly #wall: Wall;
  readonly #requests: RequestCount;
  readonly #ended = new AbortController();
  #phase: "rebuild" | "replay" | "live" | "over";
  /** Why it could not be brought back. */
  #refusal: Error | undefined;
  /** Why it could not be written any more. */
  #failure: { error: unknown } | undefined;
  #isLooking = false;
  /** All runs are to be cancelled as soon as it goes on. */
  #cancelsRuns = false;
  /** The messages that this attempt has heard. */
  readonly #heard = new Set<number>();
  /** It has not heard all that others had told it before it began. */
  #isBehind = true;

  private constructor(options: ExecutionOptions, host: ExecutionHost, lease: ExecutionLease, past: Past) {
    this.#options = options;
    this.#host = host;
    this.#lease = lease;
    this.#past = past;
    const { index, beginning, checkpoint } = past;
    this.#requests = new RequestCount(checkpoint?.count ?? 0);
    this.#phase = index === undefined ? "live" : "rebuild";
    this.#tape = new Tape(lease, (error) => this.#fail(error));
    if (options.keepEvents === true) this.#events = new EventKeeper(this.#tape, past.index?.records ?? []);
    this.clock = new ExecutionClock(
      beginning.seed,
      (number) => this.#tape.push({ kind: RECORDS.alarm, text: String(number) }),
      () => this.#look(),
    );
    this.#keeper = new OutsideKeeper({
      executionId: lease.id,
      tape: this.#tape,
      index,
      carried: past.carried,
      requests: this.#requests,
      resolve: (key, asked, open) => {
        const how = this.waits.ambiguous(key, asked, open);
        if (this.#phase === "live") void this.#suspendAmbiguous();
        return how;
      },
      resolveNow: (key, asked, open) => {
        const how = this.waits.ambiguousNow(key, asked, open);
        if (how === undefined) this.#suspend();
        return how;
      },
    });
    this.waits = new ExecutionWaits(this.#keeper, {
      lastNumber: Math.max(index?.lastNumber ?? 0, checkpoint?.lastNumber ?? 0),
      change: (change) => this.#tape.change(change),
      parked: (wait) => this.clock.parked(wait),
      personWaits: host.personWaits,
    });
    this.#wall = new Wall({
      realm: host.session.realm,
      served: host.session.served,
      tape: this.#tape,
      keeper: this.#keeper,
    });
    lease.lost.addEventListener("abort", () => this.#fail(lease.lost.reason), { once: true });
  }

  /**
   * Begins an execution, or a further attempt at one.
   *
   * @throws {GeppettoError} what the journal refuses; ReplayError for another source or engine than it began with.
   */
  static async take(options: ExecutionOptions, host: ExecutionHost, script: LoadedScript): Promise<Execution> {
    const { journal, id, tenant, details, acceptSource = false } = options;
    const now = newBeginning(script, host.facts());
    const known = await journal.get(id);
    if (known === undefined) {
      const lease = await journal.begin(id, {
        script: script.name,
        ...(tenant === undefined ? {} : { tenant }),
        ...(details === undefined ? {} : { details }),
        records: [{ kind: RECORDS.begin, text: JSON.stringify(now) }, attemptRecord(1)],
      });
      return new Execution(options, host, lease, newPast(now));
    }
    const state = known.state === "suspended" ? { state: known.state, waitsFor: known.waitsFor } : {};
    const lease = await journal.resume(id, tenant === undefined ? {} : { tenant });
    try {
      const past = { ...(await readPast(lease)), state };
      checkEngine(id, past.beginning, now);
      if (past.beginning.source !== now.source && !acceptSource) throw otherSource(id, script.name);
      await lease.append([attemptRecord(lease.attempt)], { state: "running" });
      const execution = new Execution(options, host, lease, past);
      execution.waits.expect(await lease.waitingMessages());
      return execution;
    } catch (error) {
      await lease.release(state);
      throw error;
    }
  }

  /** Where it is kept. */
  get journal(): Journal {
    return this.#options.journal;
  }

  /** From 1. */
  get attempt(): number {
    return this.#lease.attempt;
  }

  /** Stands at the wall from here on; what the guest is to know of it. */
  attach(): ExecutionBegin {
    const { session, pace } = this.#host;
    const { index, checkpoint } = this.#past;
    const { attempt, id } = this.#lease;
    session.attach(this.#wall);
    const clock = this.clock;
    const isHeld = (): boolean => this.#phase === "rebuild" || this.#phase === "replay";
    pace.follow({
      steady: () => clock.steady(),
      get isHeld() {
        return isHeld();
      },
    } satisfies Timing);
    session.ledger.onRelease = () => this.#look();
    if (index === undefined) void this.#begin();
    else void this.#bringBack(index);
    return {
      id,
      attempt: index?.firstAttempt ?? attempt,
      isDurable: true,
      seed: clock.guestSeed,
      clock: index === undefined ? { mode: "live" } : { mode: "resume", attempt, reads: index.reads as ClockReads },
      ...(checkpoint === undefined ? {} : { state: checkpoint.state }),
    };
  }

  /** Runs what the guest has asked for. */
  scoped<T>(fn: () => T): T {
    return this.#keeper.scoped(fn);
  }

  /** A run has told this; those who follow the execution are told of it once it is kept. */
  keepEvent(event: StepEvent): void {
    this.#events?.keep(event, this.#phase === "rebuild");
  }

  /** Does something that is seen outside when all before it is kept; what was done by an earlier attempt is not done again. */
  whenKept(then: () => void): void {
    if (this.#phase === "rebuild") {
      if (this.#options.printsAgain === true) then();
      return;
    }
    this.#tape.stored().then(then, () => {});
  }

  /** Forgets what is on record; the next attempt begins the script anew, with this state. */
  async checkpoint(state: unknown): Promise<void> {
    await this.#tape.stored();
    const { beginning } = this.#past;
    this.#requests.noteCheckpoint();
    const kept: Checkpoint = { state, lastNumber: this.waits.lastNumber, count: this.#requests.checkpoints };
    const begin: ExecutionRecord = { kind: RECORDS.begin, text: JSON.stringify(beginning) };
    await this.#lease.restart([begin, { kind: RECORDS.checkpoint, text: encodeValue(kept) }]);
  }

  async send(name: string, payload: unknown): Promise<void> {
    await this.#options.journal.send(this.#lease.id, name, payload);
  }

  async approve(answer: Answer): Promise<void> {
    await this.#options.journal.approve(this.#lease.id, answer);
  }

  /** Cancels all runs, also in every further attempt; says how many there are. */
  cancelRuns(): number {
    const { runs } = this.#host.session;
    if (this.#phase === "rebuild" || this.#phase === "replay") {
      // They are brought back as they were, and are cancelled then.
      this.#cancelsRuns = true;
      return runs.active;
    }
    if (this.#phase === "live") this.#tape.push({ kind: RECORDS.cancel, text: "" });
    return runs.cancelAll();
  }

  /** The script is over: what its guest still says is not part of it. */
  stop(): void {
    this.#phase = "over";
    this.#ended.abort();
    this.#tape.close();
    const { session, pace } = this.#host;
    session.attach(undefined);
    session.ledger.onRelease = () => {};
    pace.follow(undefined);
    this.#wall.guestReplay?.stop();
    this.#wall.end();
    this.waits.end();
  }

  /** Lets go of it: something else has gone wrong, and it can be taken up again. */
  async abandon(): Promise<void> {
    this.stop();
    await this.#lease.release(this.#past.state).catch(() => {});
  }

  /**
   * Lets go of it, with what has come of this attempt.
   *
   * @throws {GeppettoError} why it could not be brought back.
   */
  async finish(outcome: ScriptOutcome): Promise<ScriptOutcome> {
    const { exitCodeOf } = this.#options;
    const lease = this.#lease;
    try {
      if (this.#refusal === undefined) await this.#tape.stored();
      if (this.#failure === undefined && this.#refusal === undefined) {
        if (outcome.end === "suspended") {
          const waitsFor = outcome.waitsFor ?? [];
          await lease.append([{ kind: RECORDS.suspend, text: JSON.stringify(waitsFor) }], { waitsFor });
          await lease.release({ state: "suspended", waitsFor });
          return outcome;
        }
        if (isFinal(outcome)) {
          const { stats: _, sources: __, ...kept } = outcome;
          const exitCode = (await exitCodeOf?.(outcome)) ?? outcome.exitCode ?? (outcome.ok ? 0 : 1);
          const change = {
            state: outcome.ok ? ("completed" as const) : ("failed" as const),
            exitCode,
            ...(outcome.error === undefined ? {} : { error: outcome.error.message }),
          };
          await lease.append([{ kind: RECORDS.end, text: JSON.stringify(kept) }], change);
        }
      }
    } catch (error) {
      this.#failure ??= { error };
    }
    await lease.release(this.#refusal === undefined ? {} : this.#past.state).catch(() => {});
    if (this.#refusal !== undefined) throw this.#refusal;
    if (this.#failure === undefined) return outcome;
    const error = { ...toErrorRecord(this.#failure.error), fromHost: true };
    const { stats } = outcome;
    return { ok: false, end: "crashed", error, stats };
  }

  /** Messages may have come for an execution that begins anew. */
  async #begin(): Promise<void> {
    await this.#hearWaiting();
    this.#look();
    await this.#listen();
  }

  async #bringBack(index: TapeIndex): Promise<void> {
    const { session, pace } = this.#host;
    const { id: executionId } = this.#lease;
    const wall = this.#wall;
    const { served } = session;
    try {
      const cancelRuns = (): void => void session.runs.cancelAll();
      const replay = { executionId, index, wall, keeper: this.#keeper, clock: this.clock, pace, served, cancelRuns };
      const brought = await new HostReplay(replay).play();
      if (wall.isOver) return;
      this.#phase = "replay";
      this.#keeper.noteRebuilt();
      const reply = wall.reply.bind(wall);
      const tape = this.#tape;
      const guest = new GuestReplay({ executionId, index, brought, realm: session.realm, tape, reply });
      wall.guestReplay = guest;
      await guest.play();
      if (!wall.isOver) await this.#goOn();
    } catch (error) {
      this.#refuse(error as Error);
    }
  }

  /** All is as it was: what nobody knows the answer of is asked about, and the rest goes on. */
  async #goOn(): Promise<void> {
    const { pace } = this.#host;
    this.clock.goOn();
    this.#keeper.askAboutAmbiguous();
    await nextTurn();
    if (this.waits.ambiguities > 0) {
      for (const message of await this.#lease.waitingMessages()) {
        if (message.message.kind === "resolve") this.#hear(message);
      }
      await nextTurn();
      if (this.waits.ambiguities > 0) {
        this.#suspend();
        return;
      }
    }
    if (this.#phase === "over") return;
    this.#phase = "live";
    this.#wall.goOn(toEntry(FRAMES.attempt_live, [this.#lease.attempt]));
    this.#keeper.goOn();
    pace.release();
    if (this.#cancelsRuns) this.cancelRuns();
    await this.#hearWaiting();
    void this.#listen();
    this.#look();
  }

  /** Hears what others have told it before: it may be what it waits for. */
  async #hearWaiting(): Promise<void> {
    try {
      for (const message of await this.#lease.waitingMessages()) this.#hear(message);
      this.#isBehind = false;
      // What was said in time comes before the end of its time.
      await nextTurn();
      this.waits.start();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Hears what others tell it. */
  async #listen(): Promise<void> {
    const { signal } = this.#ended;
    try {
      for await (const message of this.#lease.messages(signal)) {
        if (signal.aborted) return;
        this.#hear(message);
        this.#look();
      }
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  #hear({ number, message }: NumberedMessage): void {
    if (this.#heard.has(number) || this.#phase === "over") return;
    this.#heard.add(number);
    if (message.kind === "cancel") this.#host.runner.cancel();
    else this.waits.tell(message, number);
  }

  /** Looks, when what is under way has been done, whether it waits for nothing but what may take long. */
  #look(): void {
    if (this.#isLooking || !this.#waitsForLong()) return;
    this.#isLooking = true;
    setImmediate(() => {
      this.#isLooking = false;
      if (this.#waitsForLong()) this.#suspend();
    });
  }

  /** Runs may be under way: they wait for the script. */
  #waitsForLong(): boolean {
    const { ledger } = this.#host.session;
    if (this.#phase !== "live" || this.#isBehind || !ledger.holdsOnly("wait", "run") || !this.clock.isIdle)
      return false;
    const { suspendAfterMs = DEFAULT_SUSPEND_AFTER_MS } = this.#options;
    const { waitsFor } = this.waits;
    if (waitsFor.length === 0 || waitsFor.length < ledger.count("wait")) return false;
    const now = Date.now();
    // One that is due goes on as soon as its alarm rings.
    return waitsFor.every(({ dueAt }) => dueAt === undefined || dueAt - now > suspendAfterMs);
  }

  /** The script has begun anew, and has asked for what it had asked for before. What is made once has its answer first. */
  async #suspendAmbiguous(): Promise<void> {
    // What is under way may itself wait for the call: a pipeline does, whose function made it.
    const { promise: late, resolve } = createDeferred();
    const timer = setTimeout(resolve, ONCE_PATIENCE_MS);
    await Promise.race([this.#keeper.onceOver(), late]);
    clearTimeout(timer);
    await nextTurn();
    if (this.#phase === "live" && this.waits.ambiguities > 0) this.#suspend();
  }

  #suspend(): void {
    this.#host.runner.suspend(this.waits.waitsFor);
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#tape.close();
    this.#host.runner.cut("crashed", toErrorRecord(error));
    this.#host.session.kill();
  }

  #refuse(error: Error): void {
    this.#refusal ??= error;
    this.#tape.close();
    this.#host.runner.cut("crashed", toErrorRecord(error));
  }
}

/** Ends after which there is nothing to go on with. */
function isFinal({ end, isCancelled = false }: ScriptOutcome): boolean {
  return (end !== "aborted" && end !== "crashed") || isCancelled;
}

function attemptRecord(attempt: number): ExecutionRecord {
  return { kind: RECORDS.attempt, text: JSON.stringify({ attempt, at: Date.now() }) };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
