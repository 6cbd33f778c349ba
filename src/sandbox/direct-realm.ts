import ivm from "isolated-vm";
import type { Frame } from "../shared/frames.ts";
import {
  checkImports,
  checkedFrame,
  entryOptions,
  failureOf,
  HOOKS_SOURCE,
  isReached,
  mainSource,
  MAIN_NAME,
  moduleSource,
  RUNTIME_NAME,
  toCopy,
  UNREACHED,
} from "./isolate-sources.ts";
import type { EntryOptions, RealmFailure, RealmLimits, RealmStats, Source } from "./realm.ts";

/** What a guest calls on the one whose thread it runs on. Nothing of it throws. */
export interface DirectBridge {
  call(frame: string): string;
  callBlocking(frame: string): Frame;
  /** An urgent one is to go out at once. */
  note(frame: string, isUrgent: boolean): void;
}

export interface DirectRealmOptions {
  /** The guest runtime's source, see runtime-text.ts. */
  runtime: string;
  /** V8's code cache of it; where V8 does not take it the source is compiled. */
  cache?: ivm.ExternalCopy<ArrayBuffer> | undefined;
  /** Called when V8 could not recover from running out of memory: the isolate is beyond help. */
  onCatastrophe: () => void;
}

type Deliver = ivm.Reference<(frame: string, buffers?: ArrayBuffer[]) => void>;
type Complete = ivm.Reference<(token: number, value: unknown) => void>;

/**
 * A realm on the thread of whoever enters it: each entry returns when its turn is over, microtasks included. For a process
 * that has nothing else to do, and that somebody else watches: a guest that does not return keeps the thread.
 */
export class DirectRealm {
  readonly #isolate: ivm.Isolate;
  readonly #context: ivm.Context;
  readonly #deliver: Deliver;
  readonly #complete: Complete;
  readonly #hooks: ivm.Module;

  constructor(bridge: DirectBridge, limits: RealmLimits, { runtime, cache, onCatastrophe }: DirectRealmOptions) {
    this.#isolate = new ivm.Isolate({ memoryLimit: limits.memoryMB, onCatastrophicError: onCatastrophe });
    this.#context = this.#isolate.createContextSync();
    const script = this.#isolate.compileScriptSync(runtime, {
      filename: RUNTIME_NAME,
      ...(cache === undefined ? {} : { cachedData: cache }),
    });
    const start = script.runSync(this.#context, { reference: true, release: true });
    const call = new ivm.Callback((frame: unknown) => bridge.call(checkedFrame(frame)));
    const note = new ivm.Callback((frame: unknown, isUrgent: unknown) =>
      bridge.note(checkedFrame(frame), isUrgent === true),
    );
    const callBlocking = new ivm.Callback((frame: unknown) => toCopy(bridge.callBlocking(checkedFrame(frame))));
    const handles = start.applySync(undefined, [call, callBlocking, note], {
      result: { reference: true },
    }) as ivm.Reference;
    this.#deliver = handles.getSync("deliver", { reference: true }) as Deliver;
    this.#complete = handles.getSync("complete", { reference: true }) as Complete;
    this.#context.global.setSync("geppettoComplete", this.#complete.derefInto());
    this.#hooks = this.#isolate.compileModuleSync(HOOKS_SOURCE, { filename: MAIN_NAME });
    this.#hooks.instantiateSync(this.#context, () => {
      throw new Error("the hooks import nothing");
    });
    this.#hooks.evaluateSync({ reference: true });
  }

  invoke({ text, buffers }: Frame, options: EntryOptions = {}): RealmFailure | undefined {
    if (options.timeoutMs === undefined && buffers === undefined) return this.#invokeText(text);
    return this.#enter(options, performance.now(), (run) => {
      const copies = buffers && new ivm.ExternalCopy(buffers).copyInto({ release: true });
      this.#deliver.applySync(undefined, (copies === undefined ? [text] : [text, copies]) as [string], run);
    });
  }

  /** What most entries are: isolated-vm looks at no options, and nobody at the clock. */
  #invokeText(text: string): RealmFailure | undefined {
    try {
      this.#deliver.applySync(undefined, [text]);
      return undefined;
    } catch (thrown) {
      return failureOf(thrown, { isDisposed: this.#isolate.isDisposed });
    }
  }

  run(source: Source, options: EntryOptions = {}): RealmFailure | undefined {
    const startedAt = performance.now();
    let entry: (run: ivm.RunOptions) => void;
    try {
      entry = source.kind === "module" ? this.#compileModule(source) : this.#compileClassic(source);
    } catch (thrown) {
      const failure = failureOf(thrown, { isDisposed: this.#isolate.isDisposed });
      if (failure.kind !== "thrown") return failure;
      // Its frames would be the host's; where the source is wrong is part of the message.
      const { name, message } = failure.error;
      return { kind: "load", error: { name, message } };
    }
    return source.loadOnly === true ? undefined : this.#enter(options, startedAt, entry);
  }

  /** Frees all of it. Not to be called while it is entered. */
  dispose(): void {
    if (!this.#isolate.isDisposed) this.#isolate.dispose();
  }

  stats(): RealmStats {
    return { cpuMs: this.#isolate.isDisposed ? 0 : Number(this.#isolate.cpuTime) / 1e6 };
  }

  #enter(options: EntryOptions, startedAt: number, entry: (run: ivm.RunOptions) => void): RealmFailure | undefined {
    try {
      entry(entryOptions(options, performance.now() - startedAt));
      return undefined;
    } catch (thrown) {
      const elapsedMs = performance.now() - startedAt;
      return failureOf(thrown, { isDisposed: this.#isolate.isDisposed, elapsedMs, timeoutMs: options.timeoutMs });
    }
  }

  #compileClassic({ code, filename, lineOffset, token, keeps }: Source): (run: ivm.RunOptions) => void {
    const script = this.#isolate.compileScriptSync(code, { filename, lineOffset: 0 - lineOffset });
    const complete = (value: ivm.Reference, run: ivm.RunOptions): void =>
      this.#complete.applySync(undefined, [token, value.derefInto({ release: true })], run);
    return (run) => {
      if (keeps !== undefined) this.#context.global.setSync(keeps, UNREACHED);
      try {
        complete(script.runSync(this.#context, { ...run, reference: true, release: true }), run);
      } catch (thrown) {
        const kept = keeps === undefined ? undefined : this.#kept(keeps, thrown);
        if (kept !== undefined) complete(kept, run);
        throw thrown;
      } finally {
        if (keeps !== undefined && !this.#isolate.isDisposed) this.#context.global.deleteSync(keeps);
      }
    };
  }

  /** The value of code that has come to its end and whose turn has failed all the same. */
  #kept(name: string, thrown: unknown): ivm.Reference | undefined {
    if (this.#isolate.isDisposed) return undefined;
    const kept = this.#context.global.getSync(name, { reference: true });
    return isReached(kept, thrown) ? kept : undefined;
  }

  #compileModule({ code, filename, lineOffset, token }: Source): (run: ivm.RunOptions) => void {
    const script = this.#isolate.compileModuleSync(moduleSource(code, filename), {
      filename,
      lineOffset: -1 - lineOffset,
    });
    checkImports(script);
    const main = this.#isolate.compileModuleSync(mainSource(token), { filename: MAIN_NAME });
    main.instantiateSync(this.#context, (name) => (name === "hooks" ? this.#hooks : script));
    return (run) => void main.evaluateSync(run);
  }
}
