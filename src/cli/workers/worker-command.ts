import { setupDefaults } from "../../index.ts";
import { Worker } from "../../workers/index.ts";
import { toUsageError } from "../executions/open-journal.ts";
import { loadSettings } from "../options/load-settings.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { telemetryOption } from "../options/telemetry-option.ts";
import { printNotes } from "../output/print-table.ts";
import { outsideOf, wallsOf } from "../session/engine-options.ts";
import { natsAccess, type NatsOptions } from "./nats-access.ts";

export interface WorkerCommandOptions extends NatsOptions, Partial<ScriptOptions> {
  pool?: string;
  slots?: number;
  name?: string;
  reuse?: "never" | "tenant";
  weight?: Record<string, number>;
}

/**
 * `geppetto-js worker`: runs what others submit, until it is told to stop. Its own flags and settings say what scripts may
 * do; what these export as `options` is not looked at.
 */
export async function workerCommand(options: WorkerCommandOptions): Promise<void> {
  const { nats, natsPrefix, natsReplicas, pool, slots, name, reuse, weight, quiet, ...given } = options;
  const access = natsAccess(
    {
      ...(nats === undefined ? {} : { nats }),
      ...(natsPrefix === undefined ? {} : { natsPrefix }),
      ...(natsReplicas === undefined ? {} : { natsReplicas }),
    },
    process.env,
  );
  const { settings, warnings } = await loadSettings(given);
  const say = (text: string): void => {
    if (!quiet) printNotes([text]);
  };
  for (const warning of warnings) say(warning);
  const { isolation: _, ...walls } = wallsOf(settings, given.untrusted);
  const { chat, embeddings, limits, tools } = settings;
  const { approve: __, ...toolSettings } = tools;
  const { maxCalls, maxTokens, maxCost } = limits;
  const isBounded = [maxCalls, maxTokens, maxCost].some((limit) => limit !== undefined);
  const telemetry = await telemetryOption(process.env, say);
  const outside = await outsideOf(settings, { untrusted: given.untrusted });
  const start = (): Promise<Worker> =>
    Worker.start({
      nats: access,
      ...(pool === undefined ? {} : { pool }),
      ...(slots === undefined ? {} : { slots }),
      ...(name === undefined ? {} : { name }),
      ...(weight === undefined ? {} : { weights: weight }),
      ...(isBounded ? { budgets: { "*": { maxCalls, maxTokens, maxCost } } } : {}),
      suspendAfterMs: settings.durable.suspendAfterMs,
      logger: { warn: say, error: (text) => printNotes([`error: ${text}`]) },
      engine: {
        ...walls,
        ...(reuse === undefined ? {} : { reuse }),
        // Whatever a script imports was put together where it was submitted.
        permissions: { ...walls.permissions, import: [] },
        ...telemetry,
        setup: [setupDefaults({ chat, embeddings, ...outside, ...toolSettings })],
      },
    });
  const worker = await whenThere(start, (why) => say(`waiting: ${why}`));
  say(`worker ${worker.name} takes jobs of the pool ${pool ?? "default"}`);
  const stop = (): void => void worker.close();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  await worker.closed;
  say(`worker ${worker.name} has stopped: other workers go on with its jobs`);
}

const PAUSE_MS = 1000;
const SLOW_MS = 3000;

/** A server that is away at the start is waited for: whoever starts all together does not know which one is first. */
async function whenThere(start: () => Promise<Worker>, tellWhy: (text: string) => void): Promise<Worker> {
  let told = "";
  const tell = (why: string): void => {
    if (why !== told) tellWhy(why);
    told = why;
  };
  for (;;) {
    // One behind a wall takes its time to be known as away.
    const slow = setTimeout(tell, SLOW_MS, "the NATS server has not answered yet");
    try {
      return await start();
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code !== "ERR_NATS") throw toUsageError(error);
      clearTimeout(slow);
      tell(message);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    } finally {
      clearTimeout(slow);
    }
  }
}
