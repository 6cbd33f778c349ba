import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
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

/** A package's folder as its importer finds it, which may be a link, and as it really is. */
function packageFolders(name: string, importer: string): { linked: string; real: string } {
  for (let folder = dirname(importer); folder !== dirname(folder); folder = dirname(folder)) {
    const linked = join(folder, "node_modules", name);
    if (existsSync(linked)) return { linked, real: realpathSync(linked) };
  }
  throw new Error(`Cannot find the package ${name}: is it installed?`);
}

/** Arguments that take from the child all that Node's permission model can take: files, network, children, workers. */
function childArguments(): string[] {
  const resolveFrom = createRequire(import.meta.url);
  const main = resolveFrom.resolve("#realm-child");
  const program = dirname(resolveFrom.resolve("geppetto-js/package.json"));
  const addon = packageFolders("isolated-vm", main);
  const addonLoader = packageFolders("node-gyp-build", join(addon.real, "package.json"));
  const folders = [addon.linked, addon.real, addonLoader.linked, addonLoader.real, join(program, "dist")];
  const readable = [...folders.flatMap((folder) => [folder, join(folder, "*")]), join(program, "package.json"), "/etc/alpine-release"];
  return [
    "--permission",
    "--allow-addons",
    ...readable.map((path) => `--allow-fs-read=${path}`),
    "--disable-warning=PERM0001",
    "--disable-warning=SecurityWarning",
    main,
  ];
}

let spawnArguments: string[] | undefined;

function spawnChild(): ChildProcess {
  spawnArguments ??= childArguments();
  const child = spawn(process.execPath, spawnArguments, {
    env: {},
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  // A realm that is idle must not keep its host alive: entries under way do that.
  child.unref();
  return child;
}

type Ending = { kind: "memory" } | { kind: "timeout" } | { kind: "disposed" } | { kind: "crashed" };

/**
 * The realm in a process of its own: no files but the program's, no network, an empty environment. It is watched, and
 * killed when it exceeds what it may use: whatever the guest does, the host goes on.
 */
export class ProcessRealm implements Realm {
  readonly #child: ChildProcess;
  readonly #channel: Channel;
  readonly #doors: RealmDoors;
  readonly #limits: RealmLimits;
  readonly #turns = new Map<number, (failure: RealmFailure | undefined) => void>();
  #nextId = 1;
  #cpuMs = 0;
  /** Why the realm is gone. */
  #ending: Ending | undefined;
  #watch: NodeJS.Timeout | undefined;

  private constructor(child: ChildProcess, doors: RealmDoors, limits: RealmLimits) {
    this.#child = child;
    this.#doors = doors;
    this.#limits = limits;
    this.#channel = new Channel(child.stdout!, child.stdin!, {
      onMessage: (message) => this.#onMessage(message),
      onEnd: () => this.#end({ kind: "crashed" }),
    });
    child.on("error", () => this.#end({ kind: "crashed" }));
    child.on("exit", () => this.#end({ kind: "crashed" }));
  }

  static async create(doors: RealmDoors, limits: RealmLimits): Promise<ProcessRealm> {
    const realm = new ProcessRealm(spawnChild(), doors, limits);
    const failure = await realm.#ask({ type: "create", data: limits, parcel: { text: runtimeText() } });
    if (failure !== undefined) throw new Error("Cannot start a process for the guest: it died at once");
    return realm;
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
    this.#startWatching();
    const overdue =
      timeoutMs === undefined ? undefined : setTimeout(() => this.#end({ kind: "timeout" }), timeoutMs + GRACE_MS);
    this.#channel.send({ ...message, id });
    try {
      return await promise;
    } finally {
      clearTimeout(overdue);
      if (this.#turns.size === 0) this.#stopWatching();
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
    this.#stopWatching();
    this.#child.kill("SIGKILL");
    this.#child.stdin?.destroy();
    this.#child.stdout?.destroy();
    const turns = [...this.#turns.values()];
    this.#turns.clear();
    for (const settle of turns) settle(ending);
  }

  #startWatching(): void {
    if (this.#watch !== undefined) return;
    this.#watch = setInterval(() => void this.#checkMemory(), WATCH_MS);
  }

  #stopWatching(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
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
