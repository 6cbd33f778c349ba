import { GeppettoError, plainMessage } from "../shared/errors.ts";

/** The failure of one stage, which has ended its execution; `cause` is what the stage threw. */
export class StageError extends GeppettoError {
  readonly stage: string;

  constructor(stage: string, cause: unknown) {
    const isTransient = cause instanceof GeppettoError && cause.isTransient;
    super("StageError", `Stage "${stage}" failed: ${reasonOf(cause)}`, { code: "ERR_STAGE", cause, isTransient });
    this.stage = stage;
  }
}

function reasonOf(cause: unknown): string {
  try {
    return cause instanceof Error ? plainMessage(cause) : String(cause);
  } catch {
    return "with a value that cannot be shown";
  }
}
