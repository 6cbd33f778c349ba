import { GeppettoError } from "../../shared/errors.ts";

/** A run cannot be replayed exactly, for this reason. */
export function replayError(reason: string): GeppettoError {
  return new GeppettoError("ReplayError", `Cannot replay the run: ${reason}`, { code: "ERR_REPLAY_DIFFERS" });
}
