import { currentCall } from "../base/call-context.ts";
import { createDeferred, type Deferred } from "../base/deferred.ts";
import type { Bus } from "../events/bus.ts";
import type { JournalSink } from "../journal/journal-record.ts";
import type { HostBridge, Realm, RealmFactory, RealmFailure, Source } from "../sandbox/realm.ts";
import { FRAMES, type FrameKind, type GuestLimit, type GuestLimits } from "../shared/contract/frame-kinds.ts";
import type { Unchecked } from "../shared/contract/op.ts";
import { OPS, type ResultCopy } from "../shared/contract/ops.ts";
import { GeppettoError, toErrorRecord } from "../shared/errors.ts";
import type { ErrorRecord } from "../shared/frames.ts";
import { EntryQueue, toSettleFrame } from "./entry-queue.ts";
import { MAX_EVENTS as EVENTS_UNDER_WAY } from "./run/event-window.ts";
import type { StepEvent } from "../shared/step-events.ts";
import { isOfGuest, parseErrorRecord, parseFields, parseResult } from "./guest-messages.ts";
import type { RecordedOps } from "./journal/recorded-ops.ts";
import { recordRealm } from "./journal/record-realm.ts";
import { Ledger } from "./ledger.ts";
import { limitError, type EngineLimits } from "./limits.ts";
import { OpTable } from "./op-table.ts";
import { ENDING_RUNS, RunManager } from "./run/run-manager.ts";
import { registerRunOps } from "./run/run-ops.ts";
import type { PendingWork, ScriptError } from "./script/script-run.ts";
import type { VirtualClock } from "./time/virtual-clock.ts";
import type { Wall } from "./execution/wall.ts";

/** How a turn was lost, other than by an error in it. */
export type LossKind = Exclude<RealmFailure["kind"], "thrown" | "load">;

/** What the loop tells the engine. */
export interface LoopListener {
  /** Nobody in the guest caught this. */
  onUncaught(error: ErrorRecord): void;
  /** The same, of an error that the guest could not report itself: this is a copy. */
  onThrown(copy: ErrorRecord): void;
  /** What is running has exceeded a limit. */
  onExceeded(error: GeppettoError): void;
  /** An event of a run; the run waits for the promise. */
  onEvent(event: StepEvent): Promise<void> | undefined;
  /** Does somebody? */
  hearsEvents(): boolean;
  /** The bus has not taken an event of this topic. */
  onUnpublished(topic: string, error: unknown): void;
  /** A turn exceeded its time, or the realm is gone. The stack is of where the turn was, if that is known. */
  onLost(kind: LossKind, stack?: string): void;
}

export interface LoopOptions {
  bus: Bus;
  /** Of an engine whose time is virtual. */
  clock: VirtualClock | undefined;
  limits: EngineLimits;
  createRealm: RealmFactory;
  /** Hears all that crosses. */
  journal: JournalSink | undefined;
  /** Answers what scripts ask their host for outside, in its place. */
  recordedOps: RecordedOps | undefined;
  /** Does somebody hear of spans? Then the guest says what its calls are made for. */
  isTraced: boolean;
  /** Runs what the guest has asked for. */
  scoped<T>(fn: () => T): T;
  listener: LoopListener;
  /** Longest time that the next turn may take, in milliseconds. */
  turnTimeoutMs(): number | undefined;
}

/** Hears, at most once, how source text that ran has completed. Called in the turn itself. */
export interface Completion {
  onSettled(result: ResultCopy): void;
  onFailed(error: ErrorRecord): void;
  /** The first turn failed; `settled` when the completion had come before that. */
  onTurnFailed(failure: RealmFailure, settled: boolean): void;
}

/** The error that a host call gets for a guest's failure. Its stack is the guest's. */
export function toHostError(record: ErrorRecord): Error {
  const error = new Error(record.message);
  Object.defineProperty(error, "name", { value: record.name, configurable: true, writable: true });
  if (record.stack !== undefined) error.stack = record.stack;
  return Object.assign(error, record.code === undefined ? {} : { code: record.code });
}

/** Entries of the host's own that may wait at a time. */
const HOST_ENTRIES = 1000;

/** The first number of an entry that an execution keeps: those before it belong to the engine's start. */
const FIRST_ID_AT_WALL = 1_000_000;

/** How many of the errors that went to the guest are remembered, to know them again when they come back uncaught. */
const REMEMBERED_ERRORS = 256;

/**
 * A realm and everything that is under way between it and the host: the entries, the ops, the runs and the ledger that
 * counts them.
 */
export class RealmSession {
  readonly ledger: Ledger = new Ledger();
  readonly ops: OpTable;
  readonly #options: LoopOptions;
  readonly #sent = new Map<string, ErrorRecord>();
  /** Those that the guest has from the start. */
  readonly #lasting = new Map<string, ErrorRecord>();
  readonly #completions = new Map<number, Completion>();
  readonly #checks = new Map<number, Deferred<unknown>>();
  /** What serves the guest's messages, for the script that runs. */
  readonly served: HostBridge;
  #wall: Wall | undefined;
  #realm!: Realm;
  #queue!: EntryQueue;
  #runs!: RunManager;
  #nextId = 1;
  #events = 0;

  private constructor(options: LoopOptions) {
    this.#options = options;
    const { limits, listener } = options;
    this.ops = new OpTable({
      handlerFor: options.recordedOps && ((op) => options.recordedOps?.handlerFor(op)),
      ledger: this.ledger,
      maxPending: limits.ops,
      onTooMany: () => limitError("ops", limits.ops),
      onBroken: () => this.#break(),
      onUnreadable: (error) => this.ops.accepting && listener.onUncaught(error),
      checkRoom: (chars) => this.#checkRoom(chars),
      settle: (callId, outcome, onTold) => this.#queue.send(toSettleFrame(callId, outcome), onTold),
      onError: (record) => this.#remember(record),
      findSpan: options.isTraced ? (cause) => this.#runs.spanOf(cause) : undefined,
    });
    this.served = scopedBridge(this.ops, options.scoped);
  }

  static async create(options: LoopOptions): Promise<RealmSession> {
    const loop = new RealmSession(options);
    await loop.#open();
    return loop;
  }

  get turns(): number {
    return this.#queue.turns;
  }

  /** What is under way. */
  pending(): PendingWork {
    return { runs: this.#runs.describe(), timers: this.ledger.count("timer"), ops: this.ops.pending };
  }

  get activeRuns(): number {
    return this.#runs.active;
  }

  /** A turn is running in the guest or waits to. */
  get busy(): boolean {
    return this.#queue.underWay > 0;
  }

  get disposed(): boolean {
    return this.#realm.disposed;
  }

  get tainted(): boolean {
    return this.#realm.tainted;
  }

  get cpuMs(): number {
    return this.#realm.stats().cpuMs;
  }

  get runs(): RunManager {
    return this.#runs;
  }

  get realm(): Realm {
    return this.#realm;
  }

  /** All that crosses goes through this from here on; undefined for nothing. Numbers begin anew, the same each time. */
  attach(wall: Wall | undefined): void {
    this.#wall = wall;
    if (wall !== undefined) this.#nextId = FIRST_ID_AT_WALL;
  }

  /** Ends the guest. */
  kill(): void {
    this.#realm.dispose();
  }

  quiet(maxTurns: number): Promise<void> {
    return this.#queue.quiet(maxTurns);
  }

  enter<Body extends readonly unknown[]>(kind: FrameKind<Body>, ...body: Body): Promise<boolean> {
    return this.#queue.enter(kind, ...body);
  }

  /** Enters the guest for the host's own purpose. Rejects with what the guest made of it. */
  async enterChecked<Body extends readonly unknown[]>(kind: FrameKind<Body>, ...body: Body): Promise<unknown> {
    const id = this.#nextId++;
    const check = createDeferred<unknown>();
    // The loop may be closed, which rejects it, before anybody waits for it.
    check.promise.catch(() => {});
    this.#checks.set(id, check);
    try {
      const delivered = await this.#queue.enter(FRAMES.entry_check, id, kind.name, ...body);
      if (!delivered)
        throw new GeppettoError("StepError", "Cannot reach the guest: it has ended", { code: "ERR_ENGINE_CLOSED" });
      return await check.promise;
    } finally {
      this.#checks.delete(id);
    }
  }

  /** All that the guest knows of an error of which only a copy came out: its code, its cause, its own name. */
  async recall(error: ErrorRecord): Promise<ErrorRecord> {
    try {
      const known = await this.enterChecked(FRAMES.error_recall, error.message);
      return known === undefined ? error : { ...error, ...parseErrorRecord(known) };
    } catch {
      return error;
    }
  }

  /** Runs source text. Resolves when its first turn is over; what it completes with may come much later. */
  async run(source: Omit<Source, "token">, completion: Completion): Promise<void> {
    const token = this.#nextId++;
    this.#completions.set(token, completion);
    await this.#queue.track(
      (turnMs) => {
        // Code outside a script has no wall clock of its own: what a script may take it may take, too.
        const timeoutMs = turnMs ?? this.#options.limits.wallMs;
        const realm = this.#wall ?? this.#realm;
        return realm.run({ ...source, token }, timeoutMs === undefined ? {} : { timeoutMs });
      },
      (failure) => {
        const settled = !this.#completions.has(token);
        if (failure === undefined && source.loadOnly !== true) return;
        this.#completions.delete(token);
        if (failure === undefined) completion.onSettled({});
        else completion.onTurnFailed(failure, settled);
      },
    );
  }

  /** Ends everything that is under way, and lets the guest forget it too. */
  async reset({ scriptBegins }: { scriptBegins: boolean }): Promise<void> {
    this.ops.accepting = false;
    this.#queue.clear();
    this.#runs.abandonAll();
    this.ops.abortAll(new GeppettoError("AbortError", "The script has ended"));
    this.#sent.clear();
    this.#events = 0;
    this.#abandon({ name: "AbortError", message: "Something else has reset the engine", code: "ERR_ABORTED" });
    if (!this.disposed) await this.#queue.enter(FRAMES.guest_reset, scriptBegins);
    await this.#runs.ended();
    this.ops.accepting = true;
  }

  /** Ends the realm. What waits for the guest is rejected. */
  async close(reason: Error): Promise<void> {
    this.ops.accepting = false;
    this.#realm.dispose();
    this.#queue.clear();
    this.#runs.abandonAll();
    this.ops.abortAll(reason);
    this.#abandon(toErrorRecord(reason));
    for (const check of this.#checks.values()) check.reject(reason);
    await Promise.all([this.#runs.ended(), this.#realm.ended()]);
  }

  /** The error with what the host knows of it: an error that the host itself made is the host's record of it. */
  identify(error: ErrorRecord): ScriptError {
    const known = this.#sent.get(nameOf(error)) ?? this.#lasting.get(nameOf(error));
    return { ...error, ...known, fromHost: known !== undefined };
  }

  /** The guest may throw this error of the host's, by the text that it was given to run. */
  expect(record: ErrorRecord): void {
    this.#remember(record);
  }

  async #open(): Promise<void> {
    const { journal, limits, bus, clock, listener, turnTimeoutMs } = this.#options;
    const createRealm =
      journal === undefined
        ? this.#options.createRealm
        : recordRealm(this.#options.createRealm, journal, () => this.ops.accepting);
    this.#registerOps();
    this.#realm = await createRealm(this.#bridge(), { memoryMB: limits.memoryMB });
    const onFailure = (failure: RealmFailure): void => {
      if (failure.kind === "thrown" || failure.kind === "load") listener.onThrown(failure.error);
      else listener.onLost(failure.kind, failure.kind === "timeout" ? failure.stack : undefined);
    };
    this.#realm.onGone = onFailure;
    const realm: Pick<Realm, "invoke"> = { invoke: (frame, entry) => (this.#wall ?? this.#realm).invoke(frame, entry) };
    this.#queue = new EntryQueue(realm, this.ledger, {
      timeoutMs: turnTimeoutMs,
      onFailure,
      maxWaiting: EVENTS_UNDER_WAY * (limits.runs + ENDING_RUNS) + limits.ops + limits.timers + HOST_ENTRIES,
      onFlood: () => this.#break(),
      onTurn: () => clock?.look(),
    });
    clock?.attach({
      // A guest that waits for an op does nothing else.
      isBusy: () => this.busy && this.ops.blocking === 0,
      tell: (elapsedMs) => void this.#queue.enter(FRAMES.clock_jump, elapsedMs),
    });
    this.#runs = new RunManager({
      bus,
      queue: this.#queue,
      ledger: this.ledger,
      limits,
      checkRoom: (chars) => this.#checkRoom(chars),
      onEvent: (event) => {
        this.#countEvent();
        return listener.onEvent(event);
      },
      passOver: () => {
        if (listener.hearsEvents()) return false;
        this.#countEvent();
        return true;
      },
      onError: (record) => this.#remember(record),
      onUnpublished: listener.onUnpublished,
      onTooMany: () => listener.onExceeded(limitError("runs", limits.runs)),
      now: () => clock?.now() ?? Date.now(),
    });
    void this.#queue.enter(FRAMES.limits_set, this.#guestLimits());
    if (this.#options.isTraced) void this.#queue.enter(FRAMES.tracing_set);
  }

  #bridge(): HostBridge {
    const { served } = this;
    const bridge = (): Pick<HostBridge, "call" | "note" | "callBlocking"> => this.#wall ?? served;
    return {
      call: (text) => bridge().call(text),
      note: (text) => bridge().note(text),
      callBlocking: (text) => bridge().callBlocking(text),
      get tenant() {
        return served.tenant ?? "";
      },
    };
  }

  /** What the guest may have under way; when it reports one of these errors as uncaught, it is the host's. */
  #guestLimits(): GuestLimits {
    const limited = (name: keyof GuestLimits): GuestLimit => {
      const most = this.#options.limits[name];
      const error = toErrorRecord(limitError(name, most));
      this.#lasting.set(nameOf(error), error);
      return { most, error };
    };
    return {
      timers: limited("timers"),
      runs: limited("runs"),
      ops: limited("ops"),
      argumentChars: limited("argumentChars"),
    };
  }

  /** Ends a guest that does not keep to what its own runtime would have kept to. */
  #break(): void {
    this.#options.listener.onLost("crashed");
    this.#realm.dispose();
  }

  #countEvent(): void {
    const { limits, listener } = this.#options;
    if (++this.#events > limits.events) listener.onExceeded(limitError("events", limits.events));
  }

  #checkRoom(chars: number): void {
    const { argumentChars } = this.#options.limits;
    if (this.ledger.chars + chars > argumentChars) throw limitError("argumentChars", argumentChars);
  }

  #registerOps(): void {
    this.ops.set(OPS.error_report, (args) => this.#options.listener.onUncaught(parseErrorRecord(args)));
    this.ops.set(OPS.script_settle, (args) => this.#complete(args));
    this.ops.set(OPS.check_settle, (args) => this.#settleCheck(args));
    registerRunOps(this.ops, () => this.#runs);
  }

  #complete(args: Unchecked<ResultCopy & { token: number; error?: ErrorRecord }>): void {
    const { token, error } = parseFields(args);
    const completion = this.#completions.get(token as number);
    this.#completions.delete(token as number);
    if (error === undefined) completion?.onSettled(parseResult(args));
    else completion?.onFailed(parseErrorRecord(error));
  }

  #settleCheck(args: Unchecked<{ id: number; value?: unknown; error?: ErrorRecord }>): void {
    const { id, value, error } = parseFields(args);
    const check = this.#checks.get(id as number);
    if (error === undefined) check?.resolve(value);
    else check?.reject(toHostError(parseErrorRecord(error)));
  }

  #abandon(error: ErrorRecord): void {
    const completions = [...this.#completions.values()];
    this.#completions.clear();
    for (const completion of completions) completion.onFailed(error);
  }

  #remember(record: ErrorRecord): void {
    // What the guest itself reported is not the host's record, although a run of the host's has passed it on.
    if (isOfGuest(record)) return;
    if (this.#sent.size >= REMEMBERED_ERRORS) this.#sent.delete(this.#sent.keys().next().value!);
    this.#sent.set(nameOf(record), record);
  }
}

/** The bridge with all that a guest asks for being done in a scope. */
function scopedBridge(bridge: HostBridge, scoped: LoopOptions["scoped"]): HostBridge {
  return {
    call: (frame) => scoped(() => bridge.call(frame)),
    note: (frame) => scoped(() => bridge.note(frame)),
    callBlocking: (frame) => scoped(() => bridge.callBlocking(frame)),
    get tenant() {
      return scoped(() => currentCall()?.tenant ?? "");
    },
  };
}

/** What an error is known by when it comes back. */
function nameOf({ name, message }: ErrorRecord): string {
  return `${name}\n${message}`;
}
