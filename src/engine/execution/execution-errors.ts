import { GeppettoError } from "../../shared/errors.ts";

/** The script is not the one that the execution began with. */
export function otherSource(id: string, name: string): GeppettoError {
  return new GeppettoError(
    "ReplayError",
    `Cannot resume the execution ${id}: ${name} is not what it was when the execution began; accept the changed source to go on as long as it does the same`,
    { code: "ERR_EXECUTION_SOURCE" },
  );
}

/** What brings the execution back differs from what happened then. */
export function differs(id: string, how: string): GeppettoError {
  return new GeppettoError("ReplayError", `Cannot resume the execution ${id}: ${how}`, {
    code: "ERR_EXECUTION_DIFFERS",
  });
}

/** Another JavaScript engine, or another way of isolation, than the one that it began in. */
export function otherEngine(id: string, what: string, then: unknown, now: unknown): GeppettoError {
  return new GeppettoError(
    "ReplayError",
    `Cannot resume the execution ${id}: it began with ${what} ${String(then)}, and this is ${String(now)}`,
    { code: "ERR_EXECUTION_ENGINE" },
  );
}

/** The answer broke off when its process ended, and the script has seen a part of it. */
export function interrupted(name: string): GeppettoError {
  return new GeppettoError(
    "ProviderError",
    `The answer of ${name} was interrupted: the process that received it has ended`,
    { code: "ERR_RUN_INTERRUPTED", isTransient: true },
  );
}
