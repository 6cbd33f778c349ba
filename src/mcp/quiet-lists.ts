import type { Client } from "@modelcontextprotocol/client";
import { showText } from "./untrusted-text.ts";

/** Longest line, and most of them for one list. */
const MAX_LINE = 1_000;
const MAX_LINES = 20;
/** What the package does with the tools of a list that may not be called. */
const CHECK = "_excludeInvalidXMcpHeaderTools";

/**
 * The package writes to the host's terminal, in the server's own words, which tools it leaves out. Here these lines go
 * where others of the server go.
 */
export function quietLists(client: Client, onLine: (line: string) => void): void {
  const check: unknown = Reflect.get(client, CHECK);
  if (typeof check !== "function") return;
  Object.defineProperty(client, CHECK, {
    value(this: Client, list: unknown): unknown {
      const lines: string[] = [];
      const { warn } = console;
      // Nothing else runs before it is put back.
      console.warn = (line: unknown) => void (lines.length <= MAX_LINES && lines.push(String(line)));
      try {
        return Reflect.apply(check, this, [list]);
      } finally {
        console.warn = warn;
        for (const line of lines.slice(0, MAX_LINES)) onLine(showText(line, MAX_LINE));
        if (lines.length > MAX_LINES) onLine("… more is left out");
      }
    },
  });
}
