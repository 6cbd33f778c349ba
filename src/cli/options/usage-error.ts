import { GeppettoError } from "../../options.ts";
import { EXIT } from "../output/exit-codes.ts";

/** The codes of errors that have none of their own, by how they end. */
const CODES: Readonly<Record<number, string>> = {
  [EXIT.usage]: "ERR_USAGE",
  [EXIT.load]: "ERR_SCRIPT_LOAD",
  [EXIT.noFile]: "ERR_NO_FILE",
  [EXIT.output]: "ERR_OUTPUT",
  [EXIT.config]: "ERR_CONFIG",
};

/** What the user can mend: shown as one line, without a stack. */
export class UsageError extends Error {
  readonly exitCode: number;
  /** `geppetto-js explain` knows it. */
  readonly code: string;
  /** The execution that it is about, where there is one. */
  runId: string | undefined;

  constructor(message: string, exitCode: number = EXIT.usage, code: string = CODES[exitCode] ?? "ERR_USAGE") {
    super(message);
    this.exitCode = exitCode;
    this.code = code;
  }
}

/** The line that says what went wrong. */
export function errorLine({ message, code }: Pick<UsageError, "message" | "code">): string {
  return `error [${code}]: ${message}`;
}

/** What to throw for an error of the configuration: its text is for the user. Others are handed back as they are. */
export function withoutConfigError(error: unknown): unknown {
  if (!(error instanceof GeppettoError) || error.name !== "ConfigError") return error;
  return new UsageError(error.message, error.code === "ERR_SCRIPT_LOAD" ? EXIT.load : EXIT.config, error.code);
}
