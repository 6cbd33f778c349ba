import { setImmediate as pause } from "node:timers/promises";
import {
  currentCall,
  defineStep,
  RuntimeEngine,
  setupDefaults,
  setupTools,
  type DefinedStep,
  type RunScriptOptions,
  type ScriptOutcome,
} from "../../../src/index.ts";
import type { Journal } from "../../../src/journal/executions/journal.ts";
import { passthrough } from "../../../src/pipeline/basic-stages.ts";
import type { Stage } from "../../../src/pipeline/stage.ts";
import { Output } from "../engine-harness.ts";
import { CrashingJournal, type Crash } from "./crashing-journal.ts";
import { lastingServer } from "./lasting-mcp.ts";
import { RequestChat } from "./request-chat.ts";

/** What a host app counts: how often each effect was had. */
export class Effects {
  /** Of keyed calls, by their keys: a server that is given one twice does nothing the second time. */
  readonly keyed = new Map<string, unknown>();
  /** Of calls that are to be made once, by what they are for. */
  readonly once = new Map<string, number>();

  noteOnce(what: string): void {
    this.once.set(what, (this.once.get(what) ?? 0) + 1);
  }
}

export interface AttemptOptions extends Partial<RunScriptOptions> {
  isolation?: "thread" | "process";
  crash?: Crash;
  effects?: Effects;
  model?: RequestChat;
  /** Does something to the engine that runs it. */
  act?: (engine: RuntimeEngine) => void;
}

export interface Attempt {
  output: Output;
  outcome: ScriptOutcome | undefined;
  writes: number;
  hasCrashed: boolean;
}

/** Runs one attempt at an execution in an engine of its own, up to its crash where it has one. */
export async function attempt(
  journal: Journal,
  code: string,
  { isolation = "process", crash, effects = new Effects(), model = new RequestChat(), act, ...options }: AttemptOptions,
): Promise<Attempt> {
  const output = new Output();
  const engine = new RuntimeEngine({
    isolation,
    permissions: { mcp: ["app"], net: ["127.0.0.1"] },
    console: output,
    logger: { warn() {}, error() {} },
    setup: [
      setupTools({ stamp: { effect: "keyed", run: ({ text }) => keyed(effects, `stamped ${String(text)}`) } }),
      setupDefaults({ stages: { shout }, chatProvider: model, wrapMcp: () => lastingServer(effects) }),
    ],
  });
  engine.addSetupFunction(async function app(vm) {
    await vm.op("read", async (text: unknown) => (await pause(), `read ${String(text)}`), { effect: "none" });
    await vm.op("pay", async (amount: unknown) => (await pause(), keyed(effects, `paid ${String(amount)}`)), {
      effect: "keyed",
    });
    await vm.op("send", async (text: unknown) => {
      await pause();
      effects.noteOnce(String(text));
      return `sent ${String(text)}`;
    });
    await vm.op("stampNow", (text: unknown) => keyed(effects, `stamped ${String(text)}`), {
      mode: "sync",
      effect: "keyed",
    });
    await vm.op("payNow", async (amount: unknown) => (await pause(), keyed(effects, `paid ${String(amount)}`)), {
      mode: "blocking",
      effect: "keyed",
    });
    await vm.op("sendNow", (text: unknown) => (effects.noteOnce(String(text)), `sent ${String(text)}`), {
      mode: "sync",
    });
    await vm.registerStep("sendStep", sendStep(effects));
    await vm.op("fail", (text: unknown) => Promise.reject(new Error(String(text))), { effect: "none" });
  });
  await engine.start();
  let closed: Promise<void> | undefined;
  const crashing = new CrashingJournal(journal, crash, () => {
    closed = engine.close();
  });
  try {
    const running = engine.runScript(
      { code, name: "script.js" },
      { journal: crashing.journal, id: "execution", suspendAfterMs: 1000, ...options },
    );
    act?.(engine);
    const outcome = await running.catch((error: unknown) => {
      if (crashing.hasCrashed) return undefined;
      throw error;
    });
    return { output, outcome, writes: crashing.writes, hasCrashed: crashing.hasCrashed };
  } finally {
    await (closed ?? engine.close());
  }
}

const shout = (): Stage => passthrough("shout");

function sendStep(effects: Effects): DefinedStep<string, string> {
  return defineStep({
    name: "sendStep",
    async *run(text: string) {
      await pause();
      effects.noteOnce(text);
      yield `sent ${text}`;
    },
  });
}

function keyed(effects: Effects, answer: string): string {
  const { idempotencyKey = "" } = currentCall()!;
  effects.keyed.set(idempotencyKey, answer);
  return answer;
}
