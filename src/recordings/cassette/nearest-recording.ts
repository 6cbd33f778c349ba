import type { RecordedRequest } from "./recorded-request.ts";
import type { Recording } from "./recording.ts";

export interface Nearest {
  recording: Recording;
  /** The first field that differs, for example `messages[1].content`. */
  field: string;
  /** As JSON; undefined where there is no such field. */
  recorded: string | undefined;
  asked: string | undefined;
}

/** The recording of which the fewest fields differ from what is asked, and the first of these. */
export function nearestRecording(asked: RecordedRequest, recordings: readonly Recording[]): Nearest | undefined {
  const own = leavesOf(asked);
  let nearest: Nearest | undefined;
  let fewest = Infinity;
  for (const recording of recordings) {
    const theirs = leavesOf(recording.request);
    const fields = new Set([...own.keys(), ...theirs.keys()]);
    const differing = [...fields].filter((field) => own.get(field) !== theirs.get(field));
    if (differing.length >= fewest || differing.length === 0) continue;
    fewest = differing.length;
    const field = differing[0]!;
    nearest = { recording, field, recorded: theirs.get(field), asked: own.get(field) };
  }
  return nearest;
}

/** Every value that is not a list or object with something in it, by its path, in reading order. */
function leavesOf(value: unknown, path = "", leaves = new Map<string, string>()): Map<string, string> {
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((entry, index) => [`${path}[${index}]`, entry])
    : typeof value === "object" && value !== null
      ? Object.entries(value).map(([key, entry]) => [path === "" ? key : `${path}.${key}`, entry])
      : [];
  if (entries.length === 0) leaves.set(path, JSON.stringify(value));
  for (const [inner, entry] of entries) leavesOf(entry, inner, leaves);
  return leaves;
}
