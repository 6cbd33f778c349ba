const FINAL: ReadonlySet<string> = new Set(["InvalidArgumentError", "JetStreamApiError", "ClosedConnectionError"]);

/** A refusal stays one; a lost reply, or a server that is not yet back, is worth another attempt. */
export function isRetryable(error: unknown): boolean {
  return error instanceof Error && !FINAL.has(error.name);
}
