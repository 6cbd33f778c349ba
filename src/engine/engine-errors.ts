import { GeppettoError, toErrorRecord } from "../shared/errors.ts";
import type { LossKind } from "./realm-session.ts";
import { limitError, type EngineLimits } from "./limits.ts";

export function closedError(): GeppettoError {
  return new GeppettoError("StepError", "The engine is closed", { code: "ERR_ENGINE_CLOSED" });
}

/** Why an engine that its host has not closed takes nothing more. */
export function spentError(why: string): GeppettoError {
  return new GeppettoError(
    "StepError",
    `The engine is closed: ${why}; use a new engine for each script, or EnginePool`,
    {
      code: "ERR_ENGINE_CLOSED",
    },
  );
}

export function busyError(): GeppettoError {
  return new GeppettoError(
    "ConfigError",
    "Cannot run a script: the engine runs one already, or has a session; use one engine for each",
  );
}

export function startingError(): GeppettoError {
  return new GeppettoError(
    "ConfigError",
    "Cannot wait for the engine's start in one of its setup functions: it waits for them; use vm there, or engine.runOnLoop()",
  );
}

/** Why an engine has not started: what its setup function of this name threw. */
export function setupError(name: string, cause: unknown): GeppettoError {
  const which = name === "" ? "a setup function" : `the setup function "${name}"`;
  return new GeppettoError("ConfigError", `Cannot start the engine: ${which} failed: ${toErrorRecord(cause).message}`, {
    ...(cause instanceof GeppettoError ? { code: cause.code } : {}),
    cause,
  });
}

/** Why a call into the guest got no answer. */
export function realmError(kind: LossKind, limits: EngineLimits): GeppettoError {
  if (kind === "memory") return limitError("memoryMB", limits.memoryMB);
  if (kind === "timeout") return limitError("turnMs", limits.turnMs ?? limits.wallMs ?? 0);
  if (kind === "disposed") return closedError();
  return new GeppettoError("StepError", "The JavaScript engine that ran the script died", {
    code: "ERR_ENGINE_CRASHED",
  });
}
