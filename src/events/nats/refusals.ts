/** What a server itself refuses: the client has a class of errors for some of it, whose names differ. */
const NAMES: ReadonlySet<string> = new Set(["JetStreamApiError", "StreamNotFoundError", "ConsumerNotFoundError"]);

/** JetStream is starting, or has no leader now. */
const NOT_YET: ReadonlySet<number> = new Set([10_008, 10_009, 10_039, 10_076]);

/** The server has no such stream. */
export const NO_STREAM = 10_059;

/** The code of a server's refusal; undefined for any other error. */
export function refusalCode(error: unknown): number | undefined {
  return error instanceof Error && NAMES.has(error.name) ? (error as { code?: number }).code : undefined;
}

/** The code of a refusal that stays one; undefined for what may be asked again. */
export function finalRefusal(error: unknown): number | undefined {
  const code = refusalCode(error);
  return code === undefined || NOT_YET.has(code) ? undefined : code;
}
