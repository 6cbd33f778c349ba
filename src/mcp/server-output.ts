import type { Readable } from "node:stream";
import { showText } from "./untrusted-text.ts";

/** Longest line of a server's stderr that is told, in characters. */
const MAX_LINE = 1_000;
/** Lines of one server that are told; what follows is left out. */
const MAX_LINES = 10_000;

/** Tells each line that a server writes to its stderr, fit to be shown. */
export function tellLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  let lines = 0;
  const tell = (line: string): void => {
    if (line.trim() === "" || lines > MAX_LINES) return;
    onLine(++lines > MAX_LINES ? "… more is left out" : showText(line.trimEnd(), MAX_LINE));
  };
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop()!.slice(0, MAX_LINE + 1);
    for (const part of parts) tell(part);
  });
  stream.on("end", () => tell(rest));
  stream.on("error", () => {});
}
