import { GeppettoError } from "../../options.ts";
import { EXIT } from "../output/exit-codes.ts";

/** What the user can mend: shown as one line, without a stack. */
export class UsageError extends Error {
  readonly exitCode: number;
  /** The code of the error behind it, if it has one. */
  readonly code: string | undefined;

  constructor(message: string, exitCode: number = EXIT.usage, code?: string) {
    super(message);
    this.exitCode = exitCode;
    this.code = code;
  }
}

/** What to throw for an error of the configuration: its text is for the user. Others are handed back as they are. */
export function withoutConfigError(error: unknown): unknown {
  if (!(error instanceof GeppettoError) || error.name !== "ConfigError") return error;
  return new UsageError(error.message, error.code === "ERR_SCRIPT_LOAD" ? EXIT.load : EXIT.config, error.code);
}
