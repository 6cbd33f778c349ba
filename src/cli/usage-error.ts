import { EXIT } from "./exit-codes.ts";

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
