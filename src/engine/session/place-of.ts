import type { ErrorRecord } from "../../shared/frames.ts";
import type { SessionPlace } from "./session-options.ts";

/** Where an error is, by its stack, or by what ends its message where the code does not load. */
export function placeOf({ message, stack = "" }: ErrorRecord): SessionPlace | undefined {
  const found = /\[(?:file:\/\/\/)?([^[\]\n]+):(\d+):(\d+)\]$/.exec(message) ?? inStack(stack);
  if (!found) return undefined;
  const [, file = "", line, column] = found;
  return { file, line: Number(line), column: Number(column) };
}

function inStack(stack: string): RegExpExecArray | null {
  const frame = stack.split("\n").find((line) => /^\s+at .*file:\/\/\//.test(line)) ?? "";
  return /file:\/\/\/([^\n]+):(\d+):(\d+)\)?$/.exec(frame);
}
