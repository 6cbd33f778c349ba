import { mcpServerValues, secretValues, type Settings, userKeyStore } from "../../config.ts";
import {
  type BudgetLimits,
  type DefaultsSettings,
  GeppettoError,
  type McpSettings,
  RuntimeEngine,
  type PermissionOptions,
  type RuntimeEngineOptions,
} from "../../index.ts";
import { limitsOf, type ScriptLimits } from "../options/load-settings.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";

/** What `--untrusted` allows: not even modules below the script's own folder. */
const NOTHING: PermissionOptions = { import: [] };

/** What decides how locked in a script is. */
type Walls = Required<Pick<RuntimeEngineOptions, "isolation" | "hardening" | "permissions">> & { limits: ScriptLimits };

/** The walls around what runs, as settings and `--untrusted` say. */
export function wallsOf({ permissions, limits, isolation = "process" }: Settings, untrusted = false): Walls {
  return {
    isolation,
    hardening: untrusted ? "strict" : "standard",
    limits: limitsOf(limits, untrusted),
    permissions: untrusted ? NOTHING : permissions,
  };
}

/** Those of the limits that a budget keeps to. */
export function budgetLimitsOf({ maxCalls, maxTokens, maxCost, concurrency }: Settings["limits"]): BudgetLimits {
  return { maxCalls, maxTokens, maxCost, concurrency };
}

/** What the flags say of time: its zone, and whether it is the same each time. */
export function timeOptions(options: ScriptOptions): Pick<RuntimeEngineOptions, "timeZone" | "deterministic"> {
  const { env = {} } = options;
  return { ...(env["TZ"] ? { timeZone: env["TZ"] } : {}), ...deterministicOf(options) };
}

/** A seed and a time are for nothing else. */
export function deterministicOf({
  deterministic,
  seed,
  now,
}: ScriptOptions): Pick<RuntimeEngineOptions, "deterministic"> {
  if (deterministic === undefined && seed === undefined && now === undefined) return {};
  return { deterministic: { ...(seed === undefined ? {} : { seed }), ...(now === undefined ? {} : { now }) } };
}

/** Secrets that scripts can have sent and never see, and servers that they may ask; what is not trusted has neither. */
export async function outsideOf(
  { secrets, mcp }: Settings,
  { untrusted = false, ...hooks }: Outside = {},
): Promise<Required<Pick<DefaultsSettings, "secrets" | "mcp">>> {
  const keys = userKeyStore(process.env);
  return {
    secrets: await secretValues(untrusted ? {} : secrets, process.env, keys),
    mcp: {
      servers: await mcpServerValues(untrusted ? {} : mcp, process.env, keys),
      ...hooks,
    },
  };
}

interface Outside extends Pick<McpSettings, "onServerOutput" | "onElicit"> {
  untrusted?: boolean | undefined;
}

/** @throws {UsageError} for options that cannot be used: they come from settings. */
export function createEngine(options: RuntimeEngineOptions): RuntimeEngine {
  try {
    return new RuntimeEngine(options);
  } catch (error) {
    if (error instanceof GeppettoError) throw new UsageError(error.message, EXIT.config, error.code);
    throw error;
  }
}

/** @throws {UsageError} for settings that cannot be used; all else is a bug. */
export async function startEngine(engine: RuntimeEngine): Promise<void> {
  try {
    await engine.start();
  } catch (error) {
    const { cause } = error as Error;
    if (cause instanceof GeppettoError && cause.name === "ConfigError")
      throw new UsageError(cause.message, EXIT.config, cause.code);
    throw error;
  }
}
