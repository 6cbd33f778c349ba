import { GeppettoError } from "../shared/errors.ts";
import type { LossKind } from "./realm-session.ts";
import { limitError, type EngineLimits } from "./limits.ts";

export function closedError(): GeppettoError {
  return new GeppettoError("StepError", "The engine is closed", { code: "ERR_ENGINE_CLOSED" });
}

export function busyError(): GeppettoError {
  return new GeppettoError("ConfigError", "Cannot run a script: the engine runs one already; use one engine for each");
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
