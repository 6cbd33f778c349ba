import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import {
  RuntimeEngine,
  setupConversation,
  setupDefaults,
  type SetupFunction,
  type StepEvent,
} from "../../src/index.ts";
import type { ChatProvider } from "../../src/providers/chat-provider.ts";
import type { ModelSettings } from "../../src/providers/settings.ts";
import type { StepSource } from "../../src/steps/step.ts";
import { OpenAIServer } from "./openai-server.ts";

const TIMES = new Set(["time", "lastUpdate", "startedAt", "durationMs"]);
const KEY = "sk-test-0123456789abcdef";

/** What the present test has: a folder, a server, and the settings of a provider that asks it. */
export const place = {
  folder: "",
  server: undefined as unknown as OpenAIServer,
  settings: { provider: "openai" } as ModelSettings,
};

/** Gives each test a place of its own. */
export function usePlace(): void {
  beforeEach(async () => {
    place.folder = mkdtempSync(join(tmpdir(), "geppetto-replay-"));
    place.server = await OpenAIServer.start();
    const { baseURL } = place.server;
    place.settings = { provider: "openai", baseURL, apiKey: KEY, model: "m", retry: { attempts: 1 } };
  });
  afterEach(async () => {
    await place.server.stop();
    rmSync(place.folder, { recursive: true, force: true });
  });
}

/** The chat of scripts over a provider that is given. */
export function chatOver(chatProvider: ChatProvider): SetupFunction {
  return setupDefaults({ chat: place.settings, chatProvider });
}

/** The chat of scripts as this step. */
export function chatAs(step: StepSource): SetupFunction {
  return async function chat(vm, engine) {
    await setupConversation()(vm, engine);
    vm.host.registerStep("chat", step);
    await vm.install("chat");
  };
}

export interface Result {
  stdout: string;
  /** The events of each run, in the order in which the runs started. */
  runs: StepEvent[][];
  value: unknown;
}

/** Runs a script and gives what it printed and what its runs published, ids and times aside. */
export async function run(
  setup: SetupFunction,
  code: string,
  isolation: "process" | "thread" = "thread",
): Promise<Result> {
  let stdout = "";
  const events: StepEvent[] = [];
  await using engine = new RuntimeEngine({
    isolation,
    console: { stdout: (text) => (stdout += text), stderr: (text) => (stdout += `stderr ${text}`) },
    setup: [setup],
  });
  await engine.start();
  const subscription = engine.bus.subscribe<StepEvent>("step.*");
  void (async () => {
    for await (const { payload, ack } of subscription) {
      events.push(payload);
      ack();
    }
  })();
  const outcome = await engine.runScript({ code });
  await subscription.idle();
  const runs = Object.values(Object.groupBy(events, ({ step }) => step.stepId));
  return { stdout, runs: runs.map((own) => withoutChance(own ?? [])), value: outcome.value ?? outcome.error };
}

/** Ids by order of appearance, times aside. */
function withoutChance(events: StepEvent[]): StepEvent[] {
  const ids = new Map<string, string>();
  const timeless = JSON.stringify(events, (key, value: unknown) => (TIMES.has(key) ? 0 : value));
  const text = timeless.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => {
    if (!ids.has(id)) ids.set(id, `id-${ids.size}`);
    return ids.get(id)!;
  });
  return JSON.parse(text) as StepEvent[];
}
