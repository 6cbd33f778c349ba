import { decodeValue } from "../../shared/decode.ts";
import type { ExecutionRecord } from "./journal.ts";

/** What a record says that the script has printed; undefined for records of something else. */
export function printedText({
  kind,
  text,
}: ExecutionRecord): { stream: "stdout" | "stderr"; text: string } | undefined {
  if (kind !== "output") return undefined;
  const frame = decodeValue(text) as readonly unknown[];
  const { stream, text: printed } = (frame[2] ?? {}) as Record<string, unknown>;
  return { stream: stream === "stderr" ? "stderr" : "stdout", text: String(printed) };
}
