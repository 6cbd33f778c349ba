import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as pause } from "node:timers/promises";
import { createDeferred, type Deferred } from "../../src/base/deferred.ts";
import type { CallContext } from "../../src/base/call-context.ts";
import type { EngineSettings } from "../../src/engine/engine-options.ts";
import type { SetupFunction } from "../../src/engine/engine.ts";
import type { SessionOutcome } from "../../src/engine/session/session-options.ts";
import type { CodeReaders } from "../../src/modules/session/code-readers.ts";
import { encodeValue } from "../../src/shared/codec.ts";
import { GeppettoError } from "../../src/shared/errors.ts";
import type { Outcome } from "../../src/shared/frames.ts";
import { RuntimeEngine } from "../runtime-engine.ts";
import type { SubScriptLimits } from "./sub-script-share.ts";

/** What a sub-script says; all of it is JSON, values as the codec writes them. */
export type SubScriptMessage =
  | { type: "output"; text: string }
  | { type: "call"; id: number; name: string; args: string }
  | { type: "end"; outcome: SubScriptOutcome };

/** How a sub-script has ended. */
export interface SubScriptOutcome {
  ok: boolean;
  end: string;
  /** As the codec writes it. */
  value?: string;
  text?: string;
  error?: { name: string; message: string; code?: string; line?: number; column?: number };
  /** Calls of tools. */
  calls: number;
  /** All that it has printed. */
  output: string;
}

export interface SubScriptOptions {
  code: string;
  /** What `input()` gives; without it there is no such global. */
  input?: string;
  tools: readonly string[];
  limits: SubScriptLimits;
  /** Of all sub-scripts of its parent. */
  readers: CodeReaders;
  engine: Pick<EngineSettings, "isolation" | "hardening" | "timeZone" | "deterministic">;
  /** Gives the sub-script what scripts have to run others. */
  setup: SetupFunction;
  /** Its code's name in stacks. */
  name: string;
  /** Whose script its parent is: the host's time for it is that one's. */
  tenant: string;
}

/** Whatever surrounds the parent, its clock, its journal, its spans, is not around its sub-scripts. */
const alone = AsyncLocalStorage.snapshot();

/** Code that runs in an engine of its own, for one script. */
export class SubScript {
  readonly #options: SubScriptOptions;
  readonly #waiting: SubScriptMessage[] = [];
  readonly #calls = new Map<number, Deferred<unknown>>();
  readonly #closed = new AbortController();
  #news: Deferred<void> | undefined;
  #engine: RuntimeEngine | undefined;
  #lastCall = 0;
  /** The number of turns after which nothing goes on in it that it has been told of. */
  #busyUntil = 0;
  #output = "";
  cpuMs = 0;

  constructor(options: SubScriptOptions) {
    this.#options = options;
  }

  /**
   * Resolves when it waits for nothing but tools, or has said something: the turns are over in which it called them, and
   * got their answers.
   */
  async settled(): Promise<void> {
    while (this.#calls.size > 0 && this.#waiting.length === 0 && this.#turns < this.#busyUntil) await pause();
  }

  /** Does it wait for nothing but tools? Once it has {@link settled}. */
  get waitsForTools(): boolean {
    return this.#calls.size > 0 && this.#waiting.length === 0;
  }

  /** Resolves when it has said something, or got an answer. */
  async change(): Promise<void> {
    if (!this.waitsForTools) return;
    this.#news ??= createDeferred();
    await this.#news.promise;
  }

  /** Runs it; what it says, the end last. Leaving the loop ends it. */
  async *messages(): AsyncGenerator<SubScriptMessage, void, undefined> {
    const running = alone(() => this.#run());
    try {
      for (;;) {
        const message = this.#waiting.shift();
        if (message === undefined) {
          if (this.#closed.signal.aborted) return;
          this.#news ??= createDeferred();
          await this.#news.promise;
        } else {
          yield message;
          if (message.type === "end") return;
        }
      }
    } finally {
      await this.close();
      await running;
    }
  }

  /** What has come of a call of a tool. */
  answer(id: number, outcome: Outcome): void {
    const pending = this.#calls.get(id);
    this.#calls.delete(id);
    this.#worksOn();
    this.#tellNews();
    if (outcome.ok) pending?.resolve(outcome.value);
    else pending?.reject(failureOf(outcome.error));
  }

  async close(): Promise<void> {
    this.#closed.abort(new GeppettoError("AbortError", "The sub-script is over", { code: "ERR_ABORTED" }));
    for (const pending of this.#calls.values()) pending.reject(this.#closed.signal.reason);
    this.#calls.clear();
    this.#tellNews();
    await this.#engine?.close();
  }

  #say(message: SubScriptMessage): void {
    this.#waiting.push(message);
    this.#tellNews();
  }

  #tellNews(): void {
    this.#news?.resolve();
    this.#news = undefined;
  }

  get #turns(): number {
    return this.#engine?.stats().turns ?? 0;
  }

  /** There is one more turn to wait for. */
  #worksOn(): void {
    this.#busyUntil = Math.max(this.#busyUntil, this.#turns) + 1;
  }

  async #run(): Promise<void> {
    const { code, input, limits, readers, engine: kind, name, tenant } = this.#options;
    const { calls: _, ...bounds } = limits;
    try {
      const say = (text: string): void => {
        this.#output += text;
        this.#say({ type: "output", text });
      };
      const engine = new RuntimeEngine({
        ...kind,
        limits: { ...bounds, timers: 1_000, runs: 100, ops: 256, argumentChars: 8_000_000, resultBytes: 16_000_000 },
        permissions: { import: [] },
        console: { stdout: say, stderr: say },
        onGuestError: () => {},
        logger: { warn() {}, error() {} },
        setup: [(vm) => this.#setUp(vm), this.#options.setup],
      });
      this.#engine = engine;
      this.#closed.signal.throwIfAborted();
      await engine.start();
      const session = engine.session({ tenant, onError: () => {}, ...(input === undefined ? {} : { input }) }, readers);
      const outcome = await session.run(code, { name, signal: this.#closed.signal });
      this.cpuMs = outcome.stats.cpuMs;
      this.#say({ type: "end", outcome: this.#toOutcome(outcome) });
    } catch (error) {
      const { name: kindOf = "Error", message = String(error), code: errorCode } = error as Partial<GeppettoError>;
      const told = { name: kindOf, message, ...(errorCode === undefined ? {} : { code: errorCode }) };
      this.#say({ type: "end", outcome: { ok: false, end: "crashed", error: told, ...this.#facts() } });
    }
  }

  async #setUp(vm: Parameters<SetupFunction>[0]): Promise<void> {
    for (const name of this.#options.tools) {
      await vm.op(`tools.${name}`, (context: CallContext, ...args: unknown[]) => this.#call(name, args, context), {
        context: true,
        effect: "none",
      });
    }
  }

  #call(name: string, args: readonly unknown[], { signal }: CallContext): Promise<unknown> {
    const { calls } = this.#options.limits;
    if (this.#lastCall >= calls) {
      throw new GeppettoError("LimitError", `The sub-script exceeded its limit of ${calls} calls of tools`, {
        code: "ERR_LIMIT_TOOL_CALLS",
      });
    }
    signal.throwIfAborted();
    const id = ++this.#lastCall;
    const answer = createDeferred<unknown>();
    answer.promise.catch(() => {});
    this.#calls.set(id, answer);
    this.#busyUntil = Math.max(this.#busyUntil, this.#turns + 1);
    this.#say({ type: "call", id, name, args: encodeValue(args) });
    return answer.promise;
  }

  #toOutcome({ ok, end, value, text, error, place, name }: SessionOutcome): SubScriptOutcome {
    const isHere = place !== undefined && place.file === name && !this.#mayDiffer(end);
    const at = isHere ? { line: place.line, column: place.column } : {};
    return {
      ok,
      end,
      ...(value === undefined ? {} : { value: encodeValue(value) }),
      ...(text === undefined ? {} : { text }),
      ...(error === undefined
        ? {}
        : {
            error: {
              name: error.className ?? error.name,
              message: withoutAdvice(error.message),
              ...(error.code === undefined ? {} : { code: error.code }),
              ...at,
            },
          }),
      ...this.#facts(),
    };
  }

  /** Where a limit of time meets the code is for the machine to say: no two runs with one virtual time would tell the same. */
  #mayDiffer(end: string): boolean {
    return end === "limit" && this.#options.engine.deterministic !== undefined;
  }

  #facts(): Pick<SubScriptOutcome, "calls" | "output"> {
    return { calls: this.#lastCall, output: this.#output };
  }
}

/** How to raise a limit is said to hosts and users, and the place stands by itself. */
function withoutAdvice(message: string): string {
  return message.replace(/ \[(?:file:\/\/\/)?[^[\]\n]+:\d+:\d+\]$/, "").replace(/; (?:raise|allow) it with .*$/s, "");
}

function failureOf({ name, message, code }: { name: string; message: string; code?: string }): Error {
  const error = new GeppettoError("StepError", message, code === undefined ? {} : { code });
  return Object.defineProperty(error, "name", { value: name });
}
