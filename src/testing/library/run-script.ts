import { statSync } from "node:fs";
import { basename, dirname, extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { SetupFunction } from "../../engine/engine.ts";
import type { Script } from "../../engine/script/load-script.ts";
import type { ScriptError } from "../../engine/script/script-run.ts";
import type { McpSettings } from "../../../runtime-setup/mcp/mcp.ts";
import type { ChatProvider } from "../../providers/chat-provider.ts";
import { secretsOfServers } from "../../mcp/server-settings.ts";
import type { ModelSettings } from "../../providers/settings.ts";
import { redactorFor } from "../../recordings/redact-secrets.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { refuseWrong, type FieldsOf } from "../../shared/wrong-option.ts";
import type { StepEvent } from "../../shared/step-events.ts";
import { setupDefaults } from "../../../runtime-setup/defaults.ts";
import { isScript } from "../files/test-files.ts";
import { isCI } from "../is-ci.ts";
import { executeScript, type EngineSetup } from "../run/execute-script.ts";
import { TestCassette } from "../run/test-cassette.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** What a script is tested with. */
export interface RunScriptOptions extends Pick<EngineSetup, "isolation" | "hardening" | "limits" | "permissions"> {
  /**
   * A file of recorded answers. What it lacks the models are asked for, and it is added, unless the variable CI is set: then
   * that is an error of the script's. Default none: the models themselves answer.
   */
  cassette?: string;
  /** Where random numbers and ids come from: a whole number; default 1. */
  seed?: number;
  /** When the script's clock begins; default 2026-01-01T00:00:00Z. */
  now?: number | string | Date | VirtualClock;
  /** What local times are in; default "UTC". */
  timeZone?: string;
  /** What the script reads with `input()`. */
  input?: string;
  /** What the script finds in `process.argv` after its own name. */
  args?: readonly string[];
  /** What the script finds in `process.env`. */
  env?: Readonly<Record<string, string>>;
  /** Functions that the script can call, by their names, which may be dotted: "orders.find". See `Vm.op`. */
  // oxlint-disable-next-line typescript/no-explicit-any -- a handler names the arguments that it takes
  ops?: Readonly<Record<string, (...args: any[]) => unknown>>;
  /** The model that answers: a {@link ScriptedChat} for example, or what names one. Default: the embedded demo model. */
  chat?: ChatProvider | ModelSettings;
  /** The model of embeddings. Default: the embedded one. */
  embeddings?: ModelSettings;
  /** MCP servers, of which `permissions.mcp` names those that the script may use. What they give is in the cassette as well. */
  mcp?: Omit<McpSettings, "wrapMcp">;
  /** What else shapes the guest, after all that scripts have on the command line. */
  setup?: readonly SetupFunction[];
  /** Ends the script. */
  signal?: AbortSignal;
}

/** What came of a script. */
export interface ScriptResult {
  /** What it printed. */
  stdout: string;
  stderr: string;
  /** A copy of what `done` was given, or of the default export; undefined where there is none. */
  result: unknown;
  /** Every event of every run, in order. */
  events: StepEvent[];
  /** With which `geppetto-js run` would end: 0 for a script that has not failed. */
  exitCode: number;
  /** Why it has failed. */
  error: ScriptError | undefined;
  /** What `geppetto-js run` writes to stdout, and a golden holds: what the script printed, and its result as text. */
  output: string;
}

const FIELDS: FieldsOf<RunScriptOptions> = {
  isolation: true,
  hardening: true,
  limits: true,
  permissions: true,
  cassette: true,
  seed: "integer",
  now: true,
  timeZone: true,
  input: true,
  args: true,
  env: true,
  ops: true,
  chat: true,
  embeddings: true,
  mcp: true,
  setup: true,
  signal: true,
};

/** Longest time of a script, as on the command line. */
const DEFAULT_WALL_MS = 600_000;

/**
 * Runs a script once, in an engine of its own, the same each time: with a virtual clock and seeded random numbers. It has
 * what scripts have on the command line. A script that fails is a result, too.
 *
 * @param script a path, a file URL, or source code. A text is a path where a file is there, or its name is that of a script.
 * @throws {GeppettoError} ConfigError for a file that is not there or settings that cannot be used; ReplayError for a
 *   cassette that cannot; the file system's errors for one that cannot be written.
 *
 * @example
 * const { stdout, exitCode } = await runScript("greet.js", { args: ["Anna"], cassette: "greet.cassette.json" });
 */
export async function runScript(script: string | URL | Script, options: RunScriptOptions = {}): Promise<ScriptResult> {
  refuseWrong("run the script", options, FIELDS);
  const {
    cassette: file,
    seed,
    now,
    timeZone,
    input,
    args,
    env,
    ops = {},
    chat,
    embeddings,
    mcp,
    setup = [],
  } = options;
  const { signal = new AbortController().signal, isolation, hardening, limits, permissions } = options;
  const given = toScript(script);
  const redact = redactorFor([...[chat, embeddings].flatMap(secretsOf), ...secretsOfServers(mcp?.servers)]);
  const mayAsk = !isCI(process.env);
  const cassette =
    file === undefined ? undefined : await TestCassette.open(file, { redact, mayAsk, keepsEmbedded: mayAsk });
  const start = now instanceof VirtualClock ? now.now() : now;
  const execution = await executeScript({
    script: given,
    ...(args === undefined ? {} : { args }),
    ...(env === undefined ? {} : { env }),
    ...(input === undefined ? {} : { input }),
    engine: {
      ...(isolation === undefined ? {} : { isolation }),
      ...(hardening === undefined ? {} : { hardening }),
      limits: { wallMs: DEFAULT_WALL_MS, ...limits },
      // As on the command line.
      permissions: { ...(given.file === undefined ? {} : { read: [dirname(given.file)] }), ...permissions },
    },
    deterministic: {
      ...(seed === undefined ? {} : { seed }),
      ...(start === undefined ? {} : { now: start }),
      ...(timeZone === undefined ? {} : { timeZone }),
    },
    setup: [
      setupDefaults({
        ...(isProvider(chat) ? { chatProvider: chat } : chat === undefined ? {} : { chat }),
        ...(embeddings === undefined ? {} : { embeddings }),
        ...(mcp === undefined ? {} : { mcp }),
        ...cassette?.wraps(),
      }),
      async function ops_(vm) {
        for (const [name, handler] of Object.entries(ops)) await vm.op(name, handler);
      },
      ...setup,
    ],
    signal,
  });
  const { stdout, stderr, output, events, exitCode, outcome } = execution;
  // What a script that fails was answered is asked again.
  if (mayAsk && exitCode === 0) await cassette?.save();
  const { value, text: result, error } = outcome;
  return { stdout, stderr, result: value ?? result, events, exitCode, error, output };
}

function toScript(script: string | URL | Script): Script {
  if (script instanceof URL) return { file: fileURLToPath(script) };
  if (typeof script !== "string") return script;
  const isLine = !script.includes("\n") && script.length < 4096;
  if (isLine && statSync(script, { throwIfNoEntry: false })?.isFile()) return { file: script };
  if (isLine && isScript(basename(script)) && /^[\w./\\:@+-]+$/.test(script) && extname(script) !== "")
    throw new GeppettoError("ConfigError", `Cannot run ${script}: there is no such file`, { code: "ERR_TEST_PATH" });
  return { code: script };
}

function isProvider(chat: ChatProvider | ModelSettings | undefined): chat is ChatProvider {
  return chat !== undefined && "stream" in chat;
}

function secretsOf(settings: ChatProvider | ModelSettings | undefined): string[] {
  const { apiKey = "", headers = {} } = (settings ?? {}) as Partial<ModelSettings>;
  return [apiKey, ...Object.values(headers)];
}
