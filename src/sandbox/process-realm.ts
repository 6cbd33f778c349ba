import { readFile } from "node:fs/promises";
import { setReferenced, takeChild, type Child } from "./child.ts";
import { Channel, type Message } from "./channel.ts";
import { parseFailure } from "./parse-failure.ts";
import type { EntryOptions, Realm, RealmDoors, RealmFailure, RealmLimits, RealmStats, Source } from "./realm.ts";
import { runtimeText } from "./runtime-text.ts";
import type { Parcel } from "../shared/frames.ts";

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

type Ending = { kind: "memory" } | { kind: "timeout" } | { kind: "disposed" } | { kind: "crashed" };

/**
 * The realm in a process of its own: no files but the program's, no network, an empty environment. It is watched, and
 * killed when it exceeds what it may use: whatever the guest does, the host goes on.
 */
export class ProcessRealm implements Realm {
  readonly #child: Child;
  readonly #channel: Channel;
  readonly #doors: RealmDoors;
  readonly #limits: RealmLimits;
  readonly #turns = new Map<number, (failure: RealmFailure | undefined) => void>();
  #nextId = 1;
  #lastWords = "";
  #cpuMs = 0;
  /** Why the realm is gone. */
  #ending: Ending | undefined;
  #watch: NodeJS.Timeout | undefined;

  private constructor(child: Child, doors: RealmDoors, limits: RealmLimits) {
    this.#child = child;
    this.#doors = doors;
    this.#limits = limits;
    this.#channel = new Channel(child.stdout, child.stdin, {
      onMessage: (message) => this.#onMessage(message),
      onEnd: () => this.#end({ kind: "crashed" }),
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS);
    });
    child.on("error", () => this.#end({ kind: "crashed" }));
    child.on("exit", () => this.#end({ kind: "crashed" }));
  }

  static async create(doors: RealmDoors, limits: RealmLimits): Promise<ProcessRealm> {
    const realm = new ProcessRealm(takeChild(), doors, limits);
    const failure = await realm.#ask({ type: "create", data: limits, parcel: { text: runtimeText() } });
    if (failure === undefined) return realm;
    const words = realm.#lastWords.trim();
    throw new Error(`Cannot start a process for the guest: it ended at once${words === "" ? "" : `: ${words}`}`);
  }

  get disposed(): boolean {
    return this.#ending !== undefined;
  }

  invoke(parcel: Parcel, options: EntryOptions = {}): Promise<RealmFailure | undefined> {
    return this.#ask({ type: "invoke", data: options, parcel }, options.timeoutMs);
  }

  run({ code, ...source }: Source, options: EntryOptions = {}): Promise<RealmFailure | undefined> {
    return this.#ask({ type: "run", data: { ...source, options }, parcel: { text: code } }, options.timeoutMs);
  }

  dispose(): void {
    this.#end({ kind: "disposed" });
  }

  stats(): RealmStats {
    return { cpuMs: this.#cpuMs };
  }

  /** Sends something that the child answers with how it ended. */
  async #ask(message: Omit<Message, "id">, timeoutMs?: number): Promise<RealmFailure | undefined> {
    if (this.#ending !== undefined) return this.#ending;
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<RealmFailure | undefined>();
    this.#turns.set(id, resolve);
    this.#setBusy(true);
    const overdue =
      timeoutMs === undefined ? undefined : setTimeout(() => this.#end({ kind: "timeout" }), timeoutMs + GRACE_MS);
    this.#channel.send({ ...message, id });
    try {
      return await promise;
    } finally {
      clearTimeout(overdue);
      if (this.#turns.size === 0) this.#setBusy(false);
    }
  }

  #onMessage({ type, id, data, parcel }: Message): void {
    switch (type) {
      case "call":
        this.#answer(id, parcel?.text, (frame) => this.#call(frame));
        break;
      case "callBlocking":
        this.#answer(id, parcel?.text, (frame) => this.#doors.callBlocking(frame));
        break;
      case "ready":
        this.#settle(id, undefined);
        break;
      case "ended": {
        const { failure, cpuMs } = (data ?? {}) as { failure?: unknown; cpuMs?: unknown };
        if (typeof cpuMs === "number" && cpuMs >= this.#cpuMs) this.#cpuMs = cpuMs;
        const parsed = parseFailure(failure);
        if (parsed?.kind === "memory") this.#end(parsed);
        else this.#settle(id, parsed);
        break;
      }
      case "memory":
        this.#end({ kind: "memory" });
        break;
      default:
        this.#end({ kind: "crashed" });
    }
  }

  async #call(frame: string): Promise<Parcel> {
    return { text: await this.#doors.call(frame) };
  }

  #answer(id: number, frame: string | undefined, serve: (frame: string) => Promise<Parcel>): void {
    if (frame === undefined) return this.#end({ kind: "crashed" });
    void serve(frame).then((parcel) => this.#channel.send({ type: "answer", id, parcel }));
  }

  #settle(id: number, failure: RealmFailure | undefined): void {
    const settle = this.#turns.get(id);
    this.#turns.delete(id);
    settle?.(failure);
  }

  /** The first reason counts: what the child does after that, dying included, changes nothing. */
  #end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#setBusy(false);
    this.#child.kill("SIGKILL");
    this.#child.stdin.destroy();
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
    const turns = [...this.#turns.values()];
    this.#turns.clear();
    for (const settle of turns) settle(ending);
  }

  /** While a turn is under way the child is watched and keeps this process alive; an idle realm does neither. */
  #setBusy(busy: boolean): void {
    if (busy === (this.#watch !== undefined)) return;
    setReferenced(this.#child, busy);
    if (busy) this.#watch = setInterval(() => void this.#checkMemory(), WATCH_MS);
    else {
      clearInterval(this.#watch);
      this.#watch = undefined;
    }
  }

  async #checkMemory(): Promise<void> {
    try {
      const statm = await readFile(`/proc/${this.#child.pid}/statm`, "utf8");
      const residentMB = (Number(statm.split(" ")[1]) * PAGE_BYTES) / 1e6;
      if (residentMB > this.#limits.memoryMB + OVERHEAD_MB) this.#end({ kind: "memory" });
    } catch {
      // Not Linux, or the child is gone already, which its exit event tells.
    }
  }
}
