import { createRequire } from "node:module";
import type { Check } from "../../config.ts";
import { type ModelSettings, RuntimeEngine, type RuntimeEngineOptions, setupDefaults } from "../../index.ts";
import { openRunLog } from "../session/open-run-log.ts";
import { hintForCode } from "../../error-texts.ts";
import { runLogFile } from "../session/run-log-file.ts";
import { shortPath } from "../output/short-path.ts";

/** Longest wait for an answer of a model, in milliseconds. */
const ONLINE_MS = 60_000;
const QUESTION = "Reply with the single word: ready";
/** Enough for a model that thinks first; most answer in two. */
const MAX_TOKENS = 512;
const LOCK_WAIT_MS = 1_000;
const MAX_SHOWN = 60;
const NATS_PACKAGES = ["@nats-io/transport-node", "@nats-io/jetstream"];

/** Does what scripts need work on this machine? */
export async function checkInstallation(): Promise<Check[]> {
  return [
    await checkIsolation("thread", { isolation: "thread" }),
    await checkIsolation("process", { isolation: "process" }),
    await checkIsolation("untrusted", { isolation: "process", hardening: "strict" }),
    checkRunLog(),
    checkNats(),
  ];
}

/** Starts an engine and lets it compute something. */
async function checkIsolation(name: string, options: RuntimeEngineOptions): Promise<Check> {
  const startedAt = performance.now();
  const engine = new RuntimeEngine(options);
  try {
    await engine.start();
    const { ok, value, error } = await engine.runScript({ code: "export default 1 + 1" });
    if (!ok || value !== 2) throw new Error(error?.message ?? "1 + 1 was not 2");
    return fine(name, `runs scripts, ${Math.round(performance.now() - startedAt)} ms to the first value`);
  } catch (error) {
    const detail = messageOf(error);
    const hint =
      name === "untrusted"
        ? "--untrusted cannot be used here; docs/security.md says what it needs"
        : "run npm rebuild isolated-vm, and see whether this Node may start processes";
    return { name, status: name === "untrusted" ? "warning" : "error", detail, hint };
  } finally {
    await engine.close();
  }
}

function checkRunLog(): Check {
  const file = runLogFile();
  const warnings: string[] = [];
  try {
    openRunLog(file, { warn: (text) => void warnings.push(text), lockWaitMs: LOCK_WAIT_MS }).close();
  } catch (error) {
    const detail = `${shortPath(file)}: ${messageOf(error)}`;
    return {
      name: "run log",
      status: "warning",
      detail,
      hint: "scripts run all the same; GEPPETTO_LOG names another file",
    };
  }
  if (warnings.length > 0) return { name: "run log", status: "warning", detail: warnings.join("; "), hint: "" };
  return fine("run log", shortPath(file));
}

/** Optional: without them there is all but NATS. */
function checkNats(): Check {
  const { resolve } = createRequire(import.meta.url);
  const missing = NATS_PACKAGES.filter((name) => {
    try {
      resolve(name);
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length === 0) return fine("nats", "installed");
  return fine("nats", `${missing.join(", ")} not installed; only host apps that use NATS need them`);
}

/** Asks the model one small question, and says what came back. */
export async function checkOnline(chat: ModelSettings): Promise<Check> {
  const startedAt = performance.now();
  const env = process.env;
  await using engine = new RuntimeEngine({
    isolation: "thread",
    limits: { wallMs: ONLINE_MS },
    setup: [setupDefaults({ chat: { ...chat, maxTokens: MAX_TOKENS, retry: { attempts: 1 } }, env })],
  });
  try {
    await engine.start();
    const { ok, value, error } = await engine.runScript({
      code: `export default await chat(${JSON.stringify(QUESTION)})`,
    });
    const ms = Math.round(performance.now() - startedAt);
    if (ok) return fine("online", `${chat.provider} answered in ${ms} ms: ${JSON.stringify(shorten(String(value)))}`);
    const detail = `${error?.message ?? "no answer"}${error?.code === undefined ? "" : ` [${error.code}]`}`;
    return { name: "online", status: "error", detail, hint: hintForCode(error?.code) ?? "" };
  } catch (error) {
    return { name: "online", status: "error", detail: messageOf(error), hint: "" };
  }
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function fine(name: string, detail: string): Check {
  return { name, status: "ok", detail, hint: "" };
}

function messageOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
