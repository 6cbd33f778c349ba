import { availableParallelism } from "node:os";
import { Semaphore } from "../base/semaphore.ts";
import { checkOptions } from "../engine/engine-options.ts";
import { CodeReaders } from "../modules/session/code-readers.ts";
import { SpareChild } from "../sandbox/spare-child.ts";
import { GeppettoError } from "../shared/errors.ts";
import { MAX_TIMER_MS } from "../shared/limits.ts";
import { checkGuards } from "../steps/chat-hooks.ts";
import { refuseWrong } from "../shared/wrong-option.ts";
import { checkCode, codeCompiler } from "./check-code.ts";
import { CodeGuest, MEMORY_MB } from "./code-guest.ts";
import type { CodeResult } from "./code-result.ts";
import {
  EXECUTE_OPTIONS,
  OWN_OPTIONS,
  RUN_BOUNDS,
  type CodeInput,
  type CodeToolOptions,
  type ExecuteOptions,
} from "./code-tool-options.ts";
import { CurrentRun } from "./current-run.ts";
import { describeCodeTool } from "./describe-code-tool.ts";
import { readCodeInput } from "./read-code-input.ts";
import { failedResult, resultOf, typesResult } from "./result-of.ts";
import { ToolCatalogue } from "./tool-catalogue.ts";
import { ToolTypes } from "./tool-types.ts";

const IDLE_MS = 600_000;
/** How long a process is kept ready for the next run, in milliseconds. */
const READY_MS = 60_000;
const RESULT_CHARS = 20_000;
const TYPES_CHARS = 4_000;

/** A tool by which a model runs code that it writes: what agents and servers are given. */
export interface CodeTool extends AsyncDisposable {
  readonly name: string;
  /** What a model is told, with the declarations of what its code may use. */
  readonly description: string;
  /** JSON schema of what a model gives. */
  readonly inputSchema: Record<string, unknown>;
  /** The functions behind it, to be searched. */
  readonly catalogue: ToolCatalogue;
  /** All declarations of what its code may use, as one ambient TypeScript file. */
  readonly declarations: string;
  /**
   * Runs code. How the code fails, is refused or is cut short is a result, for the model to mend it by.
   *
   * @throws {GeppettoError} ERR_ENGINE_CLOSED when the tool is closed; and what fails on the host's side.
   */
  execute(input: CodeInput, options?: ExecuteOptions): Promise<CodeResult>;
  /** Ends what runs, and the session. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a tool by which a model runs code instead of calling many tools one by one: it writes a program that calls them,
 * and gets what that comes to. The code runs in an engine with these options, in a sandbox.
 *
 * @example
 * await using tool = codeTool({
 *   tools: { "stock.count": { description: "How many there are", run: ({ item }) => (item === "apples" ? 12 : 0) } },
 * });
 * const { value } = await tool.execute({ code: 'await tools.stock.count({ item: "apples" }) * 2' }); // 24
 * @throws {GeppettoError} ConfigError for options that no engine takes, and for names that no script can write.
 */
export function codeTool(options: CodeToolOptions = {}): CodeTool {
  return new SandboxedCodeTool(options);
}

class SandboxedCodeTool implements CodeTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Record<string, unknown>;
  readonly catalogue: ToolCatalogue;
  readonly #options: CodeToolOptions;
  readonly #types: ToolTypes;
  readonly #places: Semaphore;
  readonly #closed = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  /** Read the code of all runs. */
  readonly #readers: CodeReaders;
  /** For the next run, where each has a process of its own. */
  readonly #spare: SpareChild | undefined;
  #hasRun = false;
  /** Of a session. */
  #guest: CodeGuest | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Why the session begins anew. */
  #lost: string | undefined;

  constructor(options: CodeToolOptions) {
    const { name = "run_code", description = "", tools = {}, types = "", session = false } = options;
    const { concurrency = Math.max(4, availableParallelism()), maxTypesChars = TYPES_CHARS } = options;
    checkOptions(options, OWN_OPTIONS);
    checkGuards("make a code tool", { onApprove: options.onApprove });
    if (options.perRun !== undefined) refuseWrong("bound runs", options.perRun, RUN_BOUNDS);
    this.#options = options;
    this.catalogue = new ToolCatalogue(tools);
    this.#types = new ToolTypes(this.catalogue, types);
    this.#places = new Semaphore(session ? 1 : concurrency);
    this.#readers = new CodeReaders(concurrency);
    const { isolation = "process", hardening = "standard", limits } = options;
    if (isolation === "process" && !session)
      this.#spare = new SpareChild({ hardening, memoryMB: limits?.memoryMB ?? MEMORY_MB });
    this.name = name;
    const mayFetch = options.permissions?.net !== undefined;
    const { catalogue } = this;
    this.description = describeCodeTool({
      catalogue,
      purpose: description,
      types,
      isSession: session,
      mayFetch,
      maxTypesChars,
    });
    this.inputSchema = inputSchema(session);
  }

  get declarations(): string {
    return this.#types.declarations();
  }

  execute(input: CodeInput, options: ExecuteOptions = {}): Promise<CodeResult> {
    if (this.#closed.signal.aborted) return Promise.reject(closedTool(this.name));
    const running = this.#execute(input, options);
    this.#running.add(running);
    const forget = (): void => void this.#running.delete(running);
    running.then(forget, forget);
    return running;
  }

  async close(): Promise<void> {
    this.#closed.abort(new GeppettoError("AbortError", "The tool is closed", { code: "ERR_ABORTED" }));
    await Promise.allSettled(this.#running);
    await this.#endSession();
    this.#spare?.drop();
    this.#readers.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #execute(given: unknown, options: ExecuteOptions): Promise<CodeResult> {
    const startedAt = performance.now();
    const durationMs = (): number => Math.round(performance.now() - startedAt);
    const read = readCodeInput(given);
    if ("flaw" in read) return failedResult(read.flaw, durationMs());
    refuseWrong("run the code", options, EXECUTE_OPTIONS);
    const { signal: own } = options;
    const signal = own === undefined ? this.#closed.signal : AbortSignal.any([own, this.#closed.signal]);
    const run = new CurrentRun(this.#options.perRun ?? {}, { ...options, signal });
    let release: () => void;
    try {
      release = await this.#places.acquire(signal);
    } catch {
      return failedResult(aborted(), durationMs());
    }
    try {
      const result = await this.#inTurn(read, run);
      return { ...result, usage: { ...result.usage, toolCalls: run.toolCalls, durationMs: durationMs() } };
    } catch (error) {
      if (!signal.aborted) throw error;
      return failedResult(aborted(), durationMs());
    } finally {
      release();
    }
  }

  async #inTurn({ code, input, restart }: ReadInput, run: CurrentRun): Promise<CodeResult> {
    const { session = false, maxResultChars = RESULT_CHARS } = this.#options;
    if (restart) await this.#endSession();
    const notes = this.#lost === undefined ? [] : [`the session has begun anew: ${this.#lost}`];
    this.#lost = undefined;
    const guest = await this.#takeGuest();
    try {
      const { problems, unchecked } = await this.#check(code, guest, run.options.signal!);
      if (problems.length > 0) return { ...typesResult(code, problems), ...(notes.length > 0 ? { notes } : {}) };
      if (unchecked !== undefined) notes.push(`types were not checked: ${unchecked}`);
      const { maxToolCalls: _, ...bounds } = this.#options.perRun ?? {};
      const ran = await guest.run(code, run, { bounds, input });
      if (ran.outcome.isOver === true) this.#lost = "what was declared is gone";
      if (ran.outcome.isOver === true && session) notes.push("the session is over: what was declared is gone");
      return resultOf(ran, { code, notes, maxResultChars, tools: [...this.catalogue.entries.keys()] });
    } finally {
      if (!session) {
        this.#lost = undefined;
        await guest.close();
        this.#keepReady();
      } else if (this.#lost !== undefined) await this.#endSession();
      else this.#rest();
    }
  }

  async #check(code: string, guest: CodeGuest, signal: AbortSignal): ReturnType<typeof checkCode> {
    if (this.#options.check === false || codeCompiler() === undefined) return { problems: [] };
    const { declarations, names } = this.#types.forCheck(guest.definitions);
    const checked = await checkCode(code, { declarations, names, signal });
    const problems = [];
    for (const problem of checked.problems) {
      const [, name] = /^Cannot find name '([^']+)'/.exec(problem.message) ?? [];
      // What an earlier run has declared no compiler knows.
      if (name === undefined || !(await guest.has(name))) problems.push(this.#types.withHint(problem));
    }
    return { ...checked, problems };
  }

  async #takeGuest(): Promise<CodeGuest> {
    clearTimeout(this.#idle);
    const parts = { catalogue: this.catalogue, readers: this.#readers };
    if (this.#options.session === true)
      return (this.#guest ??= await CodeGuest.start(engineOptions(this.#options), parts));
    const guest = await CodeGuest.start(engineOptions(this.#options), parts);
    // Who runs code twice will do so again: the process for that starts while this code runs.
    if (this.#hasRun && !this.#closed.signal.aborted) this.#spare?.keep();
    this.#hasRun = true;
    return guest;
  }

  /** For the next run, but not for whoever runs code once and closes the tool. */
  #keepReady(): void {
    const { idleMs = IDLE_MS } = this.#options;
    clearTimeout(this.#idle);
    if (this.#spare === undefined) return;
    setImmediate(() => {
      if (this.#closed.signal.aborted) return;
      this.#spare?.keep();
      clearTimeout(this.#idle);
      this.#idle = setTimeout(() => this.#spare?.drop(), Math.min(idleMs, READY_MS)).unref();
    }).unref();
  }

  #rest(): void {
    const { idleMs = IDLE_MS } = this.#options;
    this.#idle = setTimeout(
      () => {
        this.#lost = "nobody had used it for long";
        void this.#endSession();
      },
      Math.min(idleMs, MAX_TIMER_MS),
    ).unref();
  }

  async #endSession(): Promise<void> {
    clearTimeout(this.#idle);
    const guest = this.#guest;
    this.#guest = undefined;
    await guest?.close();
  }
}

type ReadInput = Exclude<ReturnType<typeof readCodeInput>, { flaw: unknown }>;

/** The options without those of the tool. */
function engineOptions(options: CodeToolOptions): Parameters<typeof CodeGuest.start>[0] {
  const {
    name: _name,
    description: _description,
    tools: _tools,
    types: _types,
    session: _session,
    check: _check,
    perRun: _perRun,
    concurrency: _concurrency,
    maxResultChars: _maxResultChars,
    maxTypesChars: _maxTypesChars,
    idleMs: _idleMs,
    ...rest
  } = options;
  return rest;
}

function inputSchema(isSession: boolean): Record<string, unknown> {
  return {
    type: "object",
    properties: {
      code: { type: "string", description: "JavaScript or TypeScript" },
      input: { description: "Data: input() gives it, as JSON unless it is a text" },
      ...(isSession ? { restart: { type: "boolean", description: "Forget all that was declared, then run" } } : {}),
    },
    required: ["code"],
    additionalProperties: false,
  };
}

function aborted(): { name: string; message: string; code: string } {
  return { name: "AbortError", message: "The run was aborted", code: "ERR_ABORTED" };
}

function closedTool(name: string): GeppettoError {
  return new GeppettoError("StepError", `Cannot run code: the tool "${name}" is closed`, { code: "ERR_ENGINE_CLOSED" });
}
