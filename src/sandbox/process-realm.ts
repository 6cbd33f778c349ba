import { areChildrenTied, pipesOf, setReferenced, takeChild, type Child, type Hardening } from "./child.ts";
import type { ChildShelf } from "./child-shelf.ts";
import { FramePipe } from "./frame-pipe.ts";
import { encodeMessage, MESSAGE, type Message, type MessageType } from "./message.ts";
import { parseFailure } from "./parse-failure.ts";
import { usageOf, type ProcessUsage } from "./process-usage.ts";
import type { EntryOptions, Realm, HostBridge, RealmFailure, RealmLimits, RealmStats, Source } from "./realm.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { Frame } from "../shared/frames.ts";
import type { WarmChild } from "./warm-child.ts";

/**
 * What a child may compute after a turn's time limit before it has said that the turn is over, in milliseconds: then it is
 * killed. On a machine where others compute in its place that takes longer, but never longer than `MAX_GRACE_MS`.
 */
const GRACE_MS = 100;
const MAX_GRACE_MS = 2_000;
/** How often it is looked at after that limit, at least: where this process had to wait, what the child says is not read yet. */
const GRACE_LOOKS = 3;
/** How often the child is looked at while a turn is under way, in milliseconds. */
const WATCH_MS = 50;
/** What a child may use beyond the guest's heap limit: Node itself, code, and what V8 does not count, in MB. */
const OVERHEAD_MB = 192;

/** How much of what a dying child says is kept, in characters. */
const LAST_WORDS = 2000;

/** How long a child may neither say nor compute anything while a turn is under way, in milliseconds. */
const SILENCE_MS = 10_000;

/** What a child may leave unread before it is sent more, in bytes: of a child that does its turns it is far less. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

/** Answers that may be on their way: an honest child asks when it has read the one before, of which Node may tell late. */
const MAX_ANSWERS = 2;

/** How long a child that has served before may take to have another realm, in milliseconds. */
const WARM_START_MS = 5_000;

/** Children that are tried before a realm counts as one that cannot be started. */
const MAX_STARTS = 3;

interface Turn {
  id: number;
  settle(failure: RealmFailure | undefined): void;
  timeoutMs: number | undefined;
}

/** A turn that has exceeded its time limit. */
interface LateTurn {
  turn: Turn;
  looks: number;
  /** What the child had used by then, as far as it is known. */
  cpuMs: number | undefined;
}

interface RealmChildOptions {
  hardening: Hardening;
  /** Children that have served the same tenant; without it a child serves one realm only. */
  shelf: ChildShelf | undefined;
}

/** What a child is told about its realm. */
export interface CreateData extends RealmLimits {
  /** The system ends the child with its parent, whatever the child is doing. */
  isTied: boolean;
  /** What local times are in; the child may have been started before anybody knew. */
  timeZone: string;
  /** Is the end of each turn told in its place? Else those of several are told together, as it happens. */
  isOrderly: boolean;
  /** Is each note told at once? Else it may wait for the end of its turn, which a turn that goes on for ever has not. */
  isPrompt: boolean;
}

type Ending = { kind: "memory" } | { kind: "timeout" } | { kind: "disposed" } | { kind: "crashed" };

/**
 * The realm in a process of its own: no files but the program's, no network, an empty environment. The guest runs on its
 * only thread, so the process says nothing while a turn goes on. It is watched from here, and killed when it exceeds
 * what it may use: whatever the guest does, the host goes on.
 */
export class ProcessRealm implements Realm {
  readonly #child: Child;
  readonly #pipe: FramePipe;
  /** Where the child is left for the next one, if it may be used again; and what it was taken from there as. */
  readonly #shelf: ChildShelf | undefined;
  readonly #warm: WarmChild | undefined;
  readonly #bridge: HostBridge;
  readonly #limits: RealmLimits;
  /** Turns under way, in order; those before {@link #firstTurn} are over. */
  #turns: Turn[] = [];
  #firstTurn = 0;
  #nextId = 1;
  #lastWords = "";
  /** CPU time that the child has told of at the end of a turn. */
  #toldCpuMs = 0;
  /** CPU time of the process when the turn that is running began to be watched, and at the last look. */
  #late: LateTurn | undefined;
  #usageBefore: ProcessUsage | undefined;
  #usage: ProcessUsage | undefined;
  /** A turn was ended in its middle. */
  #isCutShort = false;
  /** Why the realm is gone. */
  #ending: Ending | undefined;
  #watch: NodeJS.Timeout | undefined;
  /** When the turn that is running now began, as far as the host can tell. */
  #turnStartedAt = 0;
  /** When the child last gave a sign of life while a turn was under way. */
  #heardAt = 0;
  /** Blocking ops that the guest is waiting for: one at most. */
  #waits = 0;
  /** Answers that have not been written in full. */
  #answers = 0;
  onGone: (failure: RealmFailure) => void = () => {};

  private constructor(bridge: HostBridge, limits: RealmLimits, { hardening, shelf }: RealmChildOptions) {
    this.#warm = shelf?.take();
    const child = this.#warm?.used.child ?? takeChild({ hardening, memoryMB: limits.memoryMB });
    this.#child = child;
    this.#bridge = bridge;
    this.#limits = limits;
    this.#shelf = shelf;
    const listener = {
      onMessage: (message: Message) => this.#onMessage(message),
      onEnd: this.#onGone,
      tenant: () => bridge.tenant ?? "",
    };
    this.#pipe = this.#warm?.used.pipe ?? new FramePipe(child.talk, child.stdin, listener);
    this.#pipe.listen(listener);
    child.stderr.setEncoding("utf8").on("data", this.#onWords);
    child.process.on("error", this.#onError);
    child.process.on("exit", this.#onGone);
  }

  readonly #onGone = (): void => this.#end({ kind: "crashed" });
  readonly #onWords = (text: string): void => void (this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS));
  readonly #onError = ({ message }: Error): void => {
    this.#lastWords = message;
    this.#onGone();
  };

  /**
   * Starts a realm. A child that dies before it is ready has run no line of anybody's, so another one is tried.
   *
   * @throws {GeppettoError} StepError with code ERR_ENGINE_START when none becomes ready.
   */
  static async create(
    bridge: HostBridge,
    limits: RealmLimits,
    {
      hardening = "standard",
      timeZone = "UTC",
      isOrderly = false,
      isPrompt = false,
      shelf,
    }: Partial<RealmChildOptions & Pick<CreateData, "timeZone" | "isOrderly" | "isPrompt">> = {},
  ): Promise<ProcessRealm> {
    const data: CreateData = { ...limits, isTied: areChildrenTied(), timeZone, isOrderly, isPrompt };
    let words = "";
    for (let tries = 0; tries < MAX_STARTS; tries++) {
      const realm = new ProcessRealm(bridge, limits, { hardening, shelf });
      // One that has served before owes an answer: nobody else bounds how long it may take to have its realm ready.
      const failure = await realm.#ask(MESSAGE.create, data, undefined, realm.#warm && WARM_START_MS);
      if (failure === undefined) return realm;
      words = realm.#lastWords.trim();
    }
    const message = `Cannot start a process for the guest: it ended at once${words === "" ? "" : `: ${words}`}`;
    throw new GeppettoError("StepError", message, { code: "ERR_ENGINE_START" });
  }

  get disposed(): boolean {
    return this.#ending !== undefined;
  }

  /** A process can always be ended. */
  get tainted(): boolean {
    return false;
  }

  invoke(frame: Frame, { timeoutMs }: EntryOptions = {}): Promise<RealmFailure | undefined> {
    const data = timeoutMs === undefined ? undefined : { timeoutMs };
    return this.#ask(MESSAGE.invoke, data, frame, timeoutMs);
  }

  run({ code, ...source }: Source, options: EntryOptions = {}): Promise<RealmFailure | undefined> {
    return this.#ask(MESSAGE.run, { ...source, options }, { text: code }, options.timeoutMs);
  }

  dispose(): void {
    // A turn that goes on or was cut short, and a guest that waits, end with their process.
    const isIdle = this.#ending === undefined && this.#underWay === 0 && this.#waits === 0 && this.#answers === 0;
    if (!isIdle || this.#isCutShort || !this.#leaveChild()) this.#end({ kind: "disposed" });
  }

  /** Its process is not this one. */
  ended(): Promise<void> {
    return Promise.resolve();
  }

  /** Leaves the child for the next realm, and says whether it could. */
  #leaveChild(): boolean {
    const { uses, cpuMs } = this.#warm?.used ?? { uses: 0, cpuMs: 0 };
    const used = { child: this.#child, pipe: this.#pipe, uses: uses + 1, cpuMs: cpuMs + this.#toldCpuMs };
    if (this.#shelf?.keep(used) !== true) return false;
    this.#ending = { kind: "disposed" };
    this.#setBusy(false);
    const { stderr, process } = this.#child;
    stderr.off("data", this.#onWords);
    process.off("error", this.#onError);
    process.off("exit", this.#onGone);
    // What the system says of it must not be an uncaught error; that it has gone is seen by its exit.
    if (process.listenerCount("error") === 0) process.on("error", () => {});
    return true;
  }

  stats(): RealmStats {
    // What a turn that goes on has used is known from outside only.
    const running = this.#usage === undefined ? 0 : this.#usage.cpuMs - this.#usageBefore!.cpuMs;
    return { cpuMs: this.#toldCpuMs + running };
  }

  get #underWay(): number {
    return this.#turns.length - this.#firstTurn;
  }

  /** Sends something that the child answers with how it ended. */
  #ask(
    type: MessageType,
    data: unknown,
    frame: Frame | undefined,
    timeoutMs?: number,
  ): Promise<RealmFailure | undefined> {
    if (this.#pipe.unreadBytes > MAX_UNREAD_BYTES) this.#end({ kind: "crashed" });
    if (this.#ending !== undefined) return Promise.resolve(this.#ending);
    const id = this.#nextId++;
    this.#pipe.send({ type, id, data, frame });
    return new Promise((settle) => {
      this.#turns.push({ id, settle, timeoutMs });
      if (this.#underWay === 1) {
        const now = performance.now();
        this.#turnStartedAt = now;
        this.#heardAt = now;
        this.#setBusy(true);
      }
    });
  }

  /** The guest asks. It waits for the answer, but for a note. */
  #onOp({ type, id, frame }: Message): void {
    // An honest child asks while it does a turn, one thing at a time, and reads the answer before it asks the next.
    const isHonest = this.#underWay > 0 && this.#waits === 0 && this.#answers < MAX_ANSWERS;
    if (frame === undefined || !isHonest) return this.#end({ kind: "crashed" });
    this.#heardAt = performance.now();
    if (type === MESSAGE.call) this.#answer(id, { text: this.#bridge.call(frame.text) });
    else if (type === MESSAGE.note) this.#bridge.note(frame.text);
    else void this.#waitFor(id, Promise.resolve(this.#bridge.callBlocking(frame.text)));
  }

  readonly #onAnswered = (): void => void this.#answers--;

  #answer(id: number, frame: Frame): void {
    if (this.#ending !== undefined) return;
    this.#answers++;
    this.#child.talk.write(encodeMessage({ type: MESSAGE.answer, id, frame }), this.#onAnswered);
  }

  /** While the guest waits for the host neither its time runs nor can its process give a sign of life. */
  async #waitFor(id: number, frame: Promise<Frame>): Promise<void> {
    this.#waits++;
    const startedAt = performance.now();
    const answered = await frame;
    this.#waits--;
    this.#heardAt = performance.now();
    this.#turnStartedAt += this.#heardAt - startedAt;
    this.#answer(id, answered);
  }

  #onMessage(message: Message): void {
    if (this.#warm?.isStale(message) === true) return;
    const { type, id, data } = message;
    switch (type) {
      case MESSAGE.call:
      case MESSAGE.note:
      case MESSAGE.callBlocking:
        this.#onOp(message);
        break;
      case MESSAGE.ready:
        this.#settle(id, undefined);
        break;
      case MESSAGE.ended:
        this.#readCpu(data);
        this.#settle(id, undefined);
        break;
      case MESSAGE.failed: {
        this.#readCpu(data);
        const failure = parseFailure((data as { failure?: unknown } | undefined)?.failure);
        if (failure?.kind === "timeout") this.#isCutShort = true;
        if (failure?.kind === "memory") this.#end(failure);
        else this.#settle(id, failure);
        break;
      }
      case MESSAGE.memory:
        this.#end({ kind: "memory" });
        break;
      default:
        this.#end({ kind: "crashed" });
    }
  }

  /** The CPU time so far; it never runs backwards. */
  #readCpu(data: unknown): void {
    const { cpuMs } = (data ?? {}) as { cpuMs?: unknown };
    if (typeof cpuMs === "number" && cpuMs >= this.#toldCpuMs) this.#toldCpuMs = cpuMs;
    this.#usage = undefined;
    this.#usageBefore = undefined;
  }

  /** All turns up to this one are over; this one with a failure, where there is one. */
  #settle(id: number, failure: RealmFailure | undefined): void {
    const first = this.#turns[this.#firstTurn];
    // An honest child tells the end of each turn once, and of no other.
    if (first === undefined || id < first.id || id >= this.#nextId) return this.#end({ kind: "crashed" });
    const now = performance.now();
    this.#heardAt = now;
    for (
      let turn = this.#turns[this.#firstTurn];
      turn !== undefined && turn.id <= id;
      turn = this.#turns[this.#firstTurn]
    ) {
      this.#firstTurn++;
      this.#turnStartedAt = now;
      turn.settle(turn.id === id ? failure : undefined);
    }
    if (this.#underWay === 0) {
      this.#turns = [];
      this.#firstTurn = 0;
    } else if (this.#firstTurn > 1024) {
      this.#turns = this.#turns.slice(this.#firstTurn);
      this.#firstTurn = 0;
    }
  }

  /** The first reason counts: what the child does after that, dying included, changes nothing. */
  #end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#setBusy(false);
    this.#child.process.kill("SIGKILL");
    for (const pipe of pipesOf(this.#child)) pipe.destroy();
    const turns = this.#turns.slice(this.#firstTurn);
    this.#turns = [];
    this.#firstTurn = 0;
    for (const { settle } of turns) settle(ending);
    if (ending.kind !== "disposed") this.onGone(ending);
  }

  /**
   * While a turn is under way the child is watched and keeps this process alive. One that is idle when it is looked at
   * does neither; until then turns follow one another without all that.
   */
  #setBusy(busy: boolean): void {
    if (busy === (this.#watch !== undefined)) return;
    setReferenced(this.#child, busy);
    if (busy) {
      this.#watch = setInterval(() => void this.#check(), WATCH_MS);
    } else {
      clearInterval(this.#watch);
      this.#watch = undefined;
    }
  }

  async #check(): Promise<void> {
    const turn = this.#turns[this.#firstTurn];
    if (turn === undefined) return this.#setBusy(false);
    // What it says is not heard while its tenant is held back: whether its turn is over is not known then.
    if (this.#waits === 0 && !this.#pipe.isHeld) {
      // The turn that is running now is given its time and a grace. The others have not begun.
      if (this.#isTooLate(turn)) this.#end({ kind: "timeout" });
      else if (performance.now() - this.#heardAt > SILENCE_MS) this.#end({ kind: "crashed" });
    }
    const usage = await usageOf(this.#child.process.pid);
    if (usage === undefined || this.#ending !== undefined) return;
    if (usage.residentMB > this.#limits.memoryMB + OVERHEAD_MB) this.#end({ kind: "memory" });
    if (this.#turns[this.#firstTurn] !== turn) return;
    this.#usageBefore ??= usage;
    // Who computes is alive.
    if (this.#usage !== undefined && usage.cpuMs > this.#usage.cpuMs) this.#heardAt = performance.now();
    this.#usage = usage;
  }

  #isTooLate(turn: Turn): boolean {
    const { timeoutMs = Infinity } = turn;
    const lateMs = performance.now() - this.#turnStartedAt - timeoutMs;
    if (lateMs <= 0) return false;
    const late = this.#late?.turn === turn ? this.#late : { turn, looks: 0, cpuMs: undefined };
    this.#late = late;
    late.looks++;
    late.cpuMs ??= this.#usage?.cpuMs;
    if (late.looks < GRACE_LOOKS) return false;
    const usedMs = late.cpuMs === undefined || this.#usage === undefined ? Infinity : this.#usage.cpuMs - late.cpuMs;
    return usedMs >= GRACE_MS || lateMs > MAX_GRACE_MS;
  }
}
