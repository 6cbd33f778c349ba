/** How long a script may take to end after it was told to, before the process ends without it, in milliseconds. */
const PATIENCE_MS = 2_000;

export interface InterruptsOptions {
  /** Cancels what runs, so that the script hears of it; says how many runs there were. */
  cancel(): number;
  /** Ends the script at once. */
  end(): void;
}

const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Ctrl-C, SIGTERM and SIGHUP while a script runs: the first Ctrl-C cancels its runs, the second ends it, as SIGTERM does,
 * and SIGHUP, which comes when the terminal is closed.
 */
export class Interrupts {
  readonly #options: InterruptsOptions;
  #signal: keyof typeof CODES | undefined;

  constructor(options: InterruptsOptions) {
    this.#options = options;
    process.on("SIGINT", this.#onInterrupt);
    process.on("SIGTERM", this.#onTerminate);
    process.on("SIGHUP", this.#onHangUp);
  }

  /** The signal that came, if any. */
  get signal(): keyof typeof CODES | undefined {
    return this.#signal;
  }

  /** The exit code for the signal that came. */
  get exitCode(): number | undefined {
    return this.#signal === undefined ? undefined : CODES[this.#signal];
  }

  close(): void {
    process.off("SIGINT", this.#onInterrupt);
    process.off("SIGTERM", this.#onTerminate);
    process.off("SIGHUP", this.#onHangUp);
  }

  readonly #onInterrupt = (): void => {
    const again = this.#signal !== undefined;
    this.#signal ??= "SIGINT";
    if (again || this.#options.cancel() === 0) this.#end();
  };

  readonly #onTerminate = (): void => {
    this.#signal = "SIGTERM";
    this.#end();
  };

  readonly #onHangUp = (): void => {
    this.#signal = "SIGHUP";
    this.#end();
  };

  #end(): void {
    this.#options.end();
    setTimeout(() => process.exit(this.exitCode), PATIENCE_MS).unref();
  }
}
