import type { ScriptOutcome } from "../../index.ts";

/** What the command line's exit codes mean; 0 to 63 otherwise belong to the script. */
export const EXIT = {
  ok: 0,
  uncaught: 1,
  usage: 2,
  load: 65,
  noFile: 66,
  provider: 69,
  bug: 70,
  rateLimit: 75,
  permission: 77,
  config: 78,
  replay: 79,
  time: 124,
  limit: 125,
  interrupted: 130,
  crashed: 134,
  terminated: 143,
} as const;

/** Codes of host errors that are more telling than the error's name. */
const BY_CODE: Record<string, number> = {
  ERR_RATE_LIMIT: EXIT.rateLimit,
  ERR_INVALID_KEY: EXIT.config,
  ERR_AUDIT: EXIT.config,
};

const BY_NAME: Record<string, number> = {
  ProviderError: EXIT.provider,
  ConfigError: EXIT.config,
  PermissionError: EXIT.permission,
  ReplayError: EXIT.replay,
  LimitError: EXIT.limit,
};

/** The exit code of a script's outcome. It follows what the host recorded: an error that only claims a name counts 1. */
export function exitCodeOf(outcome: ScriptOutcome): number {
  const { end, error } = outcome;
  switch (end) {
    case "completed":
    case "done":
      return EXIT.ok;
    case "exit":
      return outcome.exitCode ?? EXIT.ok;
    case "load":
      return error?.name === "PermissionError" ? EXIT.permission : EXIT.load;
    case "limit":
      return error?.code === "ERR_LIMIT_WALL" || error?.code === "ERR_LIMIT_TURN" ? EXIT.time : EXIT.limit;
    case "aborted":
      return EXIT.interrupted;
    case "crashed":
      return EXIT.crashed;
    case "stalled":
      return EXIT.uncaught;
    case "uncaught":
      if (error === undefined || !error.fromHost) return EXIT.uncaught;
      return BY_CODE[error.code ?? ""] ?? BY_NAME[error.name] ?? EXIT.uncaught;
  }
}
