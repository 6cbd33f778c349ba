import { EXIT } from "./exit-codes.ts";

/** What the user can mend: shown as one line, without a stack. */
export class UsageError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.usage) {
    super(message);
    this.exitCode = exitCode;
  }
}
