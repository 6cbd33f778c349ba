import { setTimeout as sleep } from "node:timers/promises";
import ivm from "isolated-vm";
import { createDeferred } from "../base/deferred.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { Frame } from "../shared/frames.ts";
import { BLOCKING_REFUSED, ownsBlockingCalls } from "./blocking-calls.ts";
import { codeCacheOf, compileRuntime } from "./compile-runtime.ts";
import { endAtExit, forgetAtExit } from "./end-at-exit.ts";
import {
  checkedFrame,
  checkImports,
  entryOptions,
  failureOf,
  HOOKS_SOURCE,
  isReached,
  MAIN_NAME,
  mainSource,
  moduleSource,
  toCopy,
  UNREACHED,
} from "./isolate-sources.ts";
import type { EntryOptions, Realm, HostBridge, RealmFailure, RealmLimits, RealmStats, Source } from "./realm.ts";

export interface ThreadRealmOptions {
  /** The guest runtime's source, see runtime-text.ts. */
  runtime: string;
  /** Reads V8's code cache of it; where there is none, or V8 does not take it, the first realm makes one for those after it. */
  cache?: () => ArrayBuffer | undefined;
  /** Called when V8 could not recover from running out of memory: the isolate is beyond help. */
  onCatastrophe?: () => void;
}

/** What the guest runtime hands over when it starts: the door in, and where completion values go. */
interface GuestEntry {
  deliver: ivm.Reference<(frame: string, buffers?: ArrayBuffer[]) => void>;
  complete: ivm.Reference<(token: number, value: unknown) => void>;
}

/** How long a turn may take to end after its isolate was disposed, in milliseconds. */
const TAINT_MS = 1000;
/** For how long one that takes longer is waited for, in milliseconds of this process' CPU time: a busy machine gives it little. */
const LAST_WAIT_CPU_MS = 3000;
/** The longest wait, in milliseconds: a machine that gives it less has other troubles. */
const LAST_WAIT_MS = 15_000;

const UNDEFINED_RESULT = { reference: true } as const;

/** The realm in this process: data is walled off, availability is not (see docs/architecture.md). */
export class ThreadRealm implements Realm {
  /** Realms whose threads do not end: while there are any no further realm is made in this process. */
  static readonly #stuck = new Set<ThreadRealm>();

  readonly #isolate: ivm.Isolate;
  readonly #context: ivm.Context;
  readonly #entry: GuestEntry;
  readonly #hooks: ivm.Module;
  /** The isolate only goes while a turn is under way, whose end tells. */
  onGone: (failure: RealmFailure) => void = () => {};
  #disposedByHost = false;
  #cpuMs = 0;
  /** Turns that have not come back from the isolate. */
  #turns = 0;
  #tainted = false;
  #disposedAt = 0;
  /** Resolves when no turn is under way any more, or the realm is tainted. */
  readonly #ended = createDeferred();
  #cpuAtDispose: NodeJS.CpuUsage | undefined;
  /** Source text that is being compiled or run: what comes after it waits, so that calls take effect in order. */
  #running: Promise<unknown> | undefined;

  private constructor(isolate: ivm.Isolate, context: ivm.Context, entry: GuestEntry, hooks: ivm.Module) {
    this.#isolate = isolate;
    this.#context = context;
    this.#entry = entry;
    this.#hooks = hooks;
    endAtExit(isolate);
  }

  static async create(
    bridge: HostBridge,
    limits: RealmLimits,
    { runtime, cache: readCache, onCatastrophe = () => {} }: ThreadRealmOptions,
  ): Promise<ThreadRealm> {
    for (const realm of ThreadRealm.#stuck) await realm.#waitOnceMore();
    if (ThreadRealm.#stuck.size > 0) {
      const message =
        "Cannot start a guest in a thread: one that does not end still runs in this process; restart it, or isolate by process";
      throw new GeppettoError("ConfigError", message, { code: "ERR_HOST_TAINTED" });
    }
    const isolate = new ivm.Isolate({ memoryLimit: limits.memoryMB, onCatastrophicError: onCatastrophe });
    const [script, context, mayBlock] = await Promise.all([
      compileRuntime(isolate, runtime, () => {
        const cache = readCache?.();
        return cache && new ivm.ExternalCopy(cache, { transferOut: true });
      }),
      isolate.createContext(),
      ownsBlockingCalls(),
    ]);
    const start = await script.run(context, { reference: true, release: true });
    const call = new ivm.Callback((frame: unknown) => bridge.call(checkedFrame(frame)));
    const note = new ivm.Callback((frame: unknown) => bridge.note(checkedFrame(frame)), { ignored: true });
    const answer = (frame: unknown): ivm.Copy<Frame> | Promise<ivm.Copy<Frame>> => {
      const answered = bridge.callBlocking(checkedFrame(frame));
      return answered instanceof Promise ? answered.then(toCopy) : toCopy(answered);
    };
    const callBlocking = mayBlock
      ? new ivm.Reference(answer)
      : new ivm.Callback(() => toCopy({ text: BLOCKING_REFUSED }));
    const handles = (await start.apply(undefined, [call, callBlocking, note], {
      result: { reference: true },
    })) as ivm.Reference;
    const [deliver, complete] = await Promise.all([
      handles.get("deliver", { reference: true }),
      handles.get("complete", { reference: true }),
    ]);
    const hooks = await createHooks(isolate, context, complete);
    return new ThreadRealm(isolate, context, { deliver, complete }, hooks);
  }

  get disposed(): boolean {
    return this.#isolate.isDisposed;
  }

  get tainted(): boolean {
    return this.#tainted;
  }

  async invoke(frame: Frame, options: EntryOptions = {}): Promise<RealmFailure | undefined> {
    while (this.#running !== undefined) await this.#running;
    const startedAt = performance.now();
    this.#turns++;
    try {
      const { text, buffers } = frame;
      const args = buffers === undefined ? [text] : [text, new ivm.ExternalCopy(buffers).copyInto({ release: true })];
      await this.#entry.deliver.apply(undefined, args as [string], entryOptions(options));
      return undefined;
    } catch (thrown) {
      return this.#failure(thrown, startedAt, options);
    } finally {
      this.#endTurn();
    }
  }

  async run(source: Source, options: EntryOptions = {}): Promise<RealmFailure | undefined> {
    while (this.#running !== undefined) await this.#running;
    const running = this.#run(source, options);
    this.#running = running;
    try {
      return await running;
    } finally {
      this.#running = undefined;
    }
  }

  async #run(source: Source, options: EntryOptions): Promise<RealmFailure | undefined> {
    const startedAt = performance.now();
    const compiled = await this.#compile(source);
    if ("kind" in compiled) return compiled;
    if (source.loadOnly === true) return undefined;
    this.#turns++;
    try {
      await compiled.enter(entryOptions(options, performance.now() - startedAt));
      return undefined;
    } catch (thrown) {
      return this.#failure(thrown, startedAt, options);
    } finally {
      this.#endTurn();
    }
  }

  dispose(): void {
    forgetAtExit(this.#isolate);
    if (this.#isolate.isDisposed) return;
    this.stats();
    this.#disposedByHost = true;
    this.#isolate.dispose();
    if (this.#turns === 0) return;
    this.#disposedAt = performance.now();
    this.#cpuAtDispose = process.cpuUsage();
    setTimeout(() => this.#checkEnded(), TAINT_MS).unref();
  }

  /** A turn that is on its way back asks this process for it: one that ends meanwhile would wait for it for ever. */
  ended(): Promise<void> {
    return this.#disposedByHost && this.#turns > 0 ? this.#ended.promise : Promise.resolve();
  }

  /** Disposing is a hint: native loops do not take it. */
  #checkEnded(): void {
    if (this.#turns === 0) return;
    this.#tainted = true;
    this.#ended.resolve();
    ThreadRealm.#stuck.add(this);
  }

  /** Resolves when the thread has ended after all, or it is plain that it does not. */
  async #waitOnceMore(): Promise<void> {
    while (this.#tainted && performance.now() - this.#disposedAt < LAST_WAIT_MS) {
      const { user, system } = process.cpuUsage(this.#cpuAtDispose);
      if ((user + system) / 1000 >= LAST_WAIT_CPU_MS) return;
      await sleep(20);
    }
  }

  /** One that ends late has ended all the same. */
  #endTurn(): void {
    this.#turns--;
    if (this.#turns > 0) return;
    if (this.#disposedByHost) this.#ended.resolve();
    if (!this.#tainted) return;
    this.#tainted = false;
    ThreadRealm.#stuck.delete(this);
  }

  /** V8's code cache of the runtime, as that has run so far. For the build only: where a script has run, nobody may take it. */
  codeCache(runtime: string): Promise<ArrayBuffer> {
    return codeCacheOf(this.#isolate, runtime);
  }

  stats(): RealmStats {
    if (!this.#isolate.isDisposed) this.#cpuMs = Number(this.#isolate.cpuTime) / 1e6;
    return { cpuMs: this.#cpuMs };
  }

  async #compile(source: Source): Promise<RealmFailure | { enter: (options: ivm.RunOptions) => Promise<unknown> }> {
    try {
      return source.kind === "module" ? await this.#compileModule(source) : await this.#compileClassic(source);
    } catch (thrown) {
      const failure = this.#failure(thrown, performance.now(), {});
      if (failure.kind !== "thrown") return failure;
      // Its frames would be the host's; where the source is wrong is part of the message.
      const { name, message } = failure.error;
      return { kind: "load", error: { name, message } };
    }
  }

  async #compileClassic({ code, filename, lineOffset, token, keeps }: Source): Promise<{
    enter: (options: ivm.RunOptions) => Promise<unknown>;
  }> {
    const script = await this.#isolate.compileScript(code, { filename, lineOffset: 0 - lineOffset });
    const complete = (value: ivm.Reference, options: ivm.RunOptions): Promise<unknown> =>
      this.#entry.complete.apply(undefined, [token, value.derefInto({ release: true })], options);
    return {
      enter: async (options) => {
        if (keeps !== undefined) await this.#context.global.set(keeps, UNREACHED);
        try {
          await complete(await script.run(this.#context, { ...options, reference: true, release: true }), options);
        } catch (thrown) {
          const kept = keeps === undefined ? undefined : await this.#kept(keeps, thrown);
          if (kept !== undefined) await complete(kept, options);
          throw thrown;
        } finally {
          if (keeps !== undefined && !this.#isolate.isDisposed)
            await this.#context.global.delete(keeps).catch(() => {});
        }
      },
    };
  }

  /** The value of code that has come to its end and whose turn has failed all the same. */
  async #kept(name: string, thrown: unknown): Promise<ivm.Reference | undefined> {
    if (this.#isolate.isDisposed) return undefined;
    try {
      const kept = await this.#context.global.get(name, { reference: true });
      return isReached(kept, thrown) ? kept : undefined;
    } catch {
      // The isolate was disposed of meanwhile.
      return undefined;
    }
  }

  async #compileModule({ code, filename, lineOffset, token }: Source): Promise<{
    enter: (options: ivm.RunOptions) => Promise<unknown>;
  }> {
    const script = await this.#isolate.compileModule(moduleSource(code, filename), {
      filename,
      lineOffset: -1 - lineOffset,
    });
    checkImports(script);
    const main = await this.#isolate.compileModule(mainSource(token), { filename: MAIN_NAME });
    await main.instantiate(this.#context, (name) => (name === "hooks" ? this.#hooks : script));
    return {
      enter: async (options) => {
        try {
          return await main.evaluate(options);
        } finally {
          // V8 keeps what still runs. A handle that nobody releases would keep the rest as long as the realm lives.
          main.release();
          script.release();
        }
      },
    };
  }

  #failure(thrown: unknown, startedAt: number, { timeoutMs }: EntryOptions): RealmFailure {
    if (this.#disposedByHost) return { kind: "disposed" };
    const elapsedMs = performance.now() - startedAt;
    return failureOf(thrown, { isDisposed: this.#isolate.isDisposed, elapsedMs, timeoutMs });
  }
}

async function createHooks(isolate: ivm.Isolate, context: ivm.Context, complete: ivm.Reference): Promise<ivm.Module> {
  await context.global.set("geppettoComplete", complete.derefInto());
  const hooks = await isolate.compileModule(HOOKS_SOURCE, { filename: MAIN_NAME });
  await hooks.instantiate(context, () => {
    throw new Error("the hooks import nothing");
  });
  await hooks.evaluate(UNDEFINED_RESULT);
  return hooks;
}
