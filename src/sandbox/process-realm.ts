import { readFile } from "node:fs/promises";
import { pipesOf, setReferenced, takeChild, type Child, type Hardening } from "./child.ts";
import { FramePipe, encodeMessage, MAX_MESSAGE_BYTES, type Message } from "./frame-pipe.ts";
import { parseFailure } from "./parse-failure.ts";
import type { EntryOptions, Realm, HostBridge, RealmFailure, RealmLimits, RealmStats, Source } from "./realm.ts";
import { runtimeText } from "./runtime-text.ts";
import type { Frame } from "../shared/frames.ts";

/** How long after a turn's time limit the child may take to say so before it is killed, in milliseconds. */
const GRACE_MS = 150;
/** How often the child's memory is looked at while a turn is under way, in milliseconds. */
const WATCH_MS = 50;
/** What a child may use beyond the guest's heap limit: Node itself, code, and what V8 does not count, in MB. */
const OVERHEAD_MB = 192;
/** Size of a page in /proc/<pid>/statm, in bytes. */
const PAGE_BYTES = 4096;

/** How much of what a dying child says is kept, in characters. */
const LAST_WORDS = 2000;

/** How long a child may be silent while a turn is under way, in milliseconds; it gives a sign every 100. */
const SILENCE_MS = 10_000;

interface Turn {
  settle(failure: RealmFailure | undefined): void;
  timeoutMs: number | undefined;
}

type Ending = { kind: "memory" } | { kind: "timeout" } | { kind: "disposed" } | { kind: "crashed" };

/**
 * The realm in a process of its own: no files but the program's, no network, an empty environment. It is watched, and
 * killed when it exceeds what it may use: whatever the guest does, the host goes on.
 */
export class ProcessRealm implements Realm {
  readonly #child: Child;
  readonly #pipe: FramePipe;
  readonly #bridge: HostBridge;
  readonly #limits: RealmLimits;
  readonly #turns = new Map<number, Turn>();
  #nextId = 1;
  #lastWords = "";
  #cpuMs = 0;
  /** Why the realm is gone. */
  #ending: Ending | undefined;
  #watch: NodeJS.Timeout | undefined;
  #overdue: NodeJS.Timeout | undefined;
  /** When the child last gave a sign of life while a turn was under way. */
  #heardAt = 0;
  /** Blocking ops that the guest is waiting for: one at most. */
  #waits = 0;
  onGone: (failure: RealmFailure) => void = () => {};

  private constructor(child: Child, bridge: HostBridge, limits: RealmLimits) {
    this.#child = child;
    this.#bridge = bridge;
    this.#limits = limits;
    const onEnd = (): void => this.#end({ kind: "crashed" });
    const onMessage = (message: Message): void => this.#onMessage(message);
    this.#pipe = new FramePipe(child.talk, child.stdin, { onMessage, onEnd });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS);
    });
    child.process.on("error", onEnd);
    child.process.on("exit", onEnd);
  }

  static async create(
    bridge: HostBridge,
    limits: RealmLimits,
    { hardening = "standard" }: { hardening?: Hardening } = {},
  ): Promise<ProcessRealm> {
    const child = takeChild({ hardening, memoryMB: limits.memoryMB });
    const realm = new ProcessRealm(child, bridge, limits);
    const failure = await realm.#ask({ type: "create", data: limits, frame: { text: runtimeText() } });
    if (failure === undefined) return realm;
    const words = realm.#lastWords.trim();
    throw new Error(`Cannot start a process for the guest: it ended at once${words === "" ? "" : `: ${words}`}`);
  }

  get disposed(): boolean {
    return this.#ending !== undefined;
  }

  /** A process can always be ended. */
  get tainted(): boolean {
    return false;
  }

  invoke(frame: Frame, options: EntryOptions = {}): Promise<RealmFailure | undefined> {
    return this.#ask({ type: "invoke", data: options, frame }, options.timeoutMs);
  }

  run({ code, ...source }: Source, options: EntryOptions = {}): Promise<RealmFailure | undefined> {
    return this.#ask({ type: "run", data: { ...source, options }, frame: { text: code } }, options.timeoutMs);
  }

  dispose(): void {
    this.#end({ kind: "disposed" });
  }

  stats(): RealmStats {
    return { cpuMs: this.#cpuMs };
  }

  /** Sends something that the child answers with how it ended. */
  #ask(message: Omit<Message, "id">, timeoutMs?: number): Promise<RealmFailure | undefined> {
    if (this.#ending !== undefined) return Promise.resolve(this.#ending);
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<RealmFailure | undefined>();
    this.#turns.set(id, { settle: resolve, timeoutMs });
    if (this.#turns.size === 1) {
      this.#setBusy(true);
      this.#armTimeout();
    }
    this.#pipe.send({ ...message, id });
    return promise;
  }

  /** The turn that is running now, the oldest, is given its time and a grace. The others have not begun. */
  #armTimeout(): void {
    clearTimeout(this.#overdue);
    const [turn] = this.#turns.values();
    if (turn?.timeoutMs === undefined) return;
    this.#overdue = setTimeout(() => this.#end({ kind: "timeout" }), turn.timeoutMs + GRACE_MS);
  }

  /** The guest asks. It waits for the answer, but for a note. */
  #onOp(type: string, id: number, frame: Frame | undefined): void {
    // An honest child asks one thing at a time, and reads the answer before it asks the next.
    const isHonest = this.#waits === 0 && this.#child.talk.writableLength <= MAX_MESSAGE_BYTES;
    if (frame === undefined || !isHonest) return this.#end({ kind: "crashed" });
    const answer = (answered: Frame): void => {
      if (this.#ending === undefined) this.#child.talk.write(encodeMessage({ type: "answer", id, frame: answered }));
    };
    if (type === "call") answer({ text: this.#bridge.call(frame.text) });
    else if (type === "note") this.#bridge.note(frame.text);
    else void this.#waitFor(Promise.resolve(this.#bridge.callBlocking(frame.text)), answer);
  }

  /** While the guest waits for the host neither its time runs nor can its process give a sign of life. */
  async #waitFor(frame: Promise<Frame>, answer: (frame: Frame) => void): Promise<void> {
    clearTimeout(this.#overdue);
    this.#waits++;
    const answered = await frame;
    this.#waits--;
    this.#heardAt = performance.now();
    this.#armTimeout();
    answer(answered);
  }

  #onMessage({ type, id, data, frame }: Message): void {
    switch (type) {
      case "call":
      case "note":
      case "callBlocking":
        this.#onOp(type, id, frame);
        break;
      case "ready":
        this.#settle(id, undefined);
        break;
      case "ended": {
        const { failure } = (data ?? {}) as { failure?: unknown };
        this.#readPulse(data);
        const parsed = parseFailure(failure);
        if (parsed?.kind === "memory") this.#end(parsed);
        else this.#settle(id, parsed);
        break;
      }
      case "pulse":
        this.#readPulse(data);
        break;
      case "memory":
        this.#end({ kind: "memory" });
        break;
      default:
        this.#end({ kind: "crashed" });
    }
  }

  /** A sign of life, with the CPU time so far; it never runs backwards. */
  #readPulse(data: unknown): void {
    const { cpuMs } = (data ?? {}) as { cpuMs?: unknown };
    this.#heardAt = performance.now();
    if (typeof cpuMs === "number" && cpuMs >= this.#cpuMs) this.#cpuMs = cpuMs;
  }

  #settle(id: number, failure: RealmFailure | undefined): void {
    const turn = this.#turns.get(id);
    if (turn === undefined) return;
    this.#turns.delete(id);
    turn.settle(failure);
    this.#armTimeout();
    if (this.#turns.size === 0) this.#setBusy(false);
  }

  /** The first reason counts: what the child does after that, dying included, changes nothing. */
  #end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    clearTimeout(this.#overdue);
    this.#setBusy(false);
    this.#child.process.kill("SIGKILL");
    for (const pipe of pipesOf(this.#child)) pipe.destroy();
    const turns = [...this.#turns.values()];
    this.#turns.clear();
    for (const { settle } of turns) settle(ending);
    if (ending.kind !== "disposed") this.onGone(ending);
  }

  /** While a turn is under way the child is watched and keeps this process alive; an idle realm does neither. */
  #setBusy(busy: boolean): void {
    if (busy === (this.#watch !== undefined)) return;
    setReferenced(this.#child, busy);
    if (busy) {
      this.#heardAt = performance.now();
      this.#watch = setInterval(() => void this.#check(), WATCH_MS);
    } else {
      clearInterval(this.#watch);
      this.#watch = undefined;
    }
  }

  async #check(): Promise<void> {
    if (this.#waits === 0 && performance.now() - this.#heardAt > SILENCE_MS) this.#end({ kind: "crashed" });
    try {
      const statm = await readFile(`/proc/${this.#child.process.pid}/statm`, "utf8");
      const residentMB = (Number(statm.split(" ")[1]) * PAGE_BYTES) / 1e6;
      if (residentMB > this.#limits.memoryMB + OVERHEAD_MB) this.#end({ kind: "memory" });
    } catch {
      // Not Linux, or the child is gone already, which its exit event tells.
    }
  }
}
