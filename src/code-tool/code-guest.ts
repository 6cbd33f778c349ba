import type { ConsoleSink } from "../../runtime-setup/console.ts";
import { setupDoneCallback } from "../../runtime-setup/done.ts";
import { RuntimeEngine } from "../../runtime-setup/runtime-engine.ts";
import type { Session } from "../engine/session/session.ts";
import type { SessionOutcome } from "../engine/session/session-options.ts";
import type { Definition } from "../engine/vm.ts";
import type { CodeReaders } from "../modules/session/code-readers.ts";
import type { BudgetLimits } from "../providers/cost/budget.ts";
import { joinBudgets } from "../providers/cost/joint-budget.ts";
import type { CodeToolOptions } from "./code-tool-options.ts";
import { BoundedText } from "./bounded-text.ts";
import type { CurrentRun } from "./current-run.ts";
import { setupGuestTools } from "./guest-tools.ts";
import { RunBudget } from "./run-budget.ts";
import type { ToolCatalogue } from "./tool-catalogue.ts";

/** How long a run may take where nobody says anything, in milliseconds. */
const WALL_MS = 30_000;
export const MEMORY_MB = 64;
const OUTPUT_BYTES = 1_000_000;
const CONSOLE_CHARS = 10_000;

/** What one run has come to. */
export interface GuestOutcome {
  outcome: SessionOutcome;
  printed: string;
  spent: { calls: number; tokens: number; cost: number };
}

interface GuestParts {
  budget: RunBudget;
  state: GuestState;
  definitions: readonly Definition[];
  readers: CodeReaders;
}

/** An engine in which the code of one model runs, and the session that keeps what it declares. */
export class CodeGuest {
  readonly #engine: RuntimeEngine;
  readonly #session: Session;
  readonly #budget: RunBudget;
  readonly #state: GuestState;
  /** What the setup functions have defined. */
  readonly definitions: readonly Definition[];
  #count = 0;

  private constructor(engine: RuntimeEngine, { budget, state, definitions, readers }: GuestParts) {
    this.#engine = engine;
    this.#budget = budget;
    this.#state = state;
    this.definitions = definitions;
    // An error that comes when no run goes on is nobody's.
    this.#session = engine.session({ keepsLast: true, onError: () => {} }, readers);
  }

  /** @throws {GeppettoError} what an engine throws that does not start. */
  static async start(
    options: EngineShare,
    { catalogue, readers }: { catalogue: ToolCatalogue; readers: CodeReaders },
  ): Promise<CodeGuest> {
    const { limits, permissions, setup = [], budget: given, console, onApprove, maxConsoleChars, ...rest } = options;
    const state = new GuestState(console, maxConsoleChars ?? CONSOLE_CHARS);
    const budget = new RunBudget();
    const joint = joinBudgets(given, budget)!;
    let definitions: readonly Definition[] = [];
    const engine = new RuntimeEngine({
      // Nobody else has this engine, so nobody can send to it.
      answers: { receive: false, approve: false },
      ...rest,
      limits: { wallMs: WALL_MS, memoryMB: MEMORY_MB, outputBytes: OUTPUT_BYTES, ...limits },
      // A model's code imports nothing of what lies beside the host.
      permissions: { import: [], ...permissions },
      budget: joint,
      console: state,
      setup: [
        setupDoneCallback(),
        ...setup,
        setupGuestTools({ catalogue, current: () => state.run, onApprove }),
        function collect(vm) {
          ({ definitions } = vm);
        },
      ],
    });
    try {
      await engine.start();
      return new CodeGuest(engine, { budget, state, definitions, readers });
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  /** Is there a global of this name? */
  async has(name: string): Promise<boolean> {
    return (await this.#session.complete([], name)).includes(name);
  }

  /** Runs the code to its end; how it fails is part of the outcome. */
  async run(
    code: string,
    run: CurrentRun,
    options: { bounds: BudgetLimits; input: string | undefined },
  ): Promise<GuestOutcome> {
    const { signal, tenant, context } = run.options;
    this.#state.begin(run);
    this.#budget.open(options.bounds);
    const common = {
      runId: run.runId,
      context,
      onEvent: (event: Parameters<NonNullable<Parameters<Session["run"]>[1]>["onEvent"] & object>[0]) =>
        run.tell({ type: "event", event }),
      ...(signal === undefined ? {} : { signal }),
      ...(tenant === undefined ? {} : { tenant }),
      ...(options.input === undefined ? {} : { input: options.input }),
    };
    try {
      let outcome = await this.#session.run(code, { ...common, name: `code-${++this.#count}.js` });
      // A function as a whole is meant to be called.
      if (isFunctionItself(code, outcome)) outcome = await this.#session.run("_()", { ...common, name: "call.js" });
      const { spent, free } = this.#budget;
      const calls = spent.calls + free.calls;
      return {
        outcome,
        printed: this.#state.printed.toString(),
        spent: { calls, tokens: spent.tokens + free.tokens, cost: spent.cost },
      };
    } finally {
      this.#state.end();
      this.#budget.open(undefined);
    }
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}

/** What a guest takes of the options of a tool: the rest is an engine's. */
export type EngineShare = Omit<
  CodeToolOptions,
  | "name"
  | "description"
  | "tools"
  | "types"
  | "session"
  | "check"
  | "perRun"
  | "concurrency"
  | "maxResultChars"
  | "maxTypesChars"
  | "idleMs"
>;

/** Where the output of the run goes that is under way. */
class GuestState implements ConsoleSink {
  readonly #sink: ConsoleSink | undefined;
  readonly #maxChars: number;
  run: CurrentRun | undefined;
  printed: BoundedText;

  constructor(sink: ConsoleSink | undefined, maxChars: number) {
    this.#sink = sink;
    this.#maxChars = maxChars;
    this.printed = new BoundedText(maxChars);
  }

  begin(run: CurrentRun): void {
    this.run = run;
    this.printed = new BoundedText(this.#maxChars);
  }

  end(): void {
    this.run = undefined;
  }

  stdout(...args: Parameters<ConsoleSink["stdout"]>): ReturnType<ConsoleSink["stdout"]> {
    this.#keep("stdout", args[0]);
    return this.#sink?.stdout(...args);
  }

  stderr(...args: Parameters<ConsoleSink["stderr"]>): ReturnType<ConsoleSink["stderr"]> {
    this.#keep("stderr", args[0]);
    return this.#sink?.stderr(...args);
  }

  #keep(stream: "stdout" | "stderr", text: string): void {
    if (this.run === undefined) return;
    this.printed.add(text);
    this.run.tell({ type: "output", stream, text });
  }
}

function isFunctionItself(code: string, { ok, value, text = "" }: SessionOutcome): boolean {
  if (!ok || value !== undefined || !/^\[(?:Async)?Function\b/.test(text)) return false;
  return /^\s*(?:export\s+default\s+)?\(?\s*(?:async\b|function\b|\([^()]*\)\s*=>)/.test(code);
}
