/** Where the engine reports what concerns the host app, for example an error that no script owns. */
export interface Logger {
  warn(message: string): void;
  error(message: string): void;
}

/** Writes to stderr, one line per message. */
export const stderrLogger: Logger = {
  warn: (message) => void process.stderr.write(`${message}\n`),
  error: (message) => void process.stderr.write(`${message}\n`),
};
