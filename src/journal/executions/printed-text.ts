import { decodeValue } from "../../shared/decode.ts";
import { journalFailed } from "./execution-errors.ts";
import type { ExecutionRecord } from "./journal.ts";

/**
 * What a record says that the script has printed; undefined for records of something else.
 *
 * @throws {GeppettoError} ERR_JOURNAL for one that nobody can have kept.
 */
export function printedText({
  kind,
  text,
}: ExecutionRecord): { stream: "stdout" | "stderr"; text: string } | undefined {
  if (kind !== "output") return undefined;
  try {
    const frame = decodeValue(text) as readonly unknown[];
    const { stream, text: printed } = (frame[2] ?? {}) as Record<string, unknown>;
    if (typeof printed !== "string") throw new SyntaxError("it is not a text");
    return { stream: stream === "stderr" ? "stderr" : "stdout", text: printed };
  } catch (error) {
    throw journalFailed("what an execution has printed is damaged", error);
  }
}
