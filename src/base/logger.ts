import { callBack } from "./calls/call-back.ts";

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

/** The logger that a host app has given, or stderr. Its trouble is nobody else's. */
export function toLogger(given: Logger | undefined): Logger {
  if (given === undefined) return stderrLogger;
  return {
    warn: (message) => callBack(() => given.warn(message)),
    error: (message) => callBack(() => given.error(message)),
  };
}
