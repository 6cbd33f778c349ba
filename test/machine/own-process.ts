import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { LONGEST } from "./longest-first.ts";

/** Whose files weigh, flood, crash or kill what they run in, ask what is left of it, or load next to nothing. */
const FOLDERS =
  /^test\/(attacks|cli|engine(?!\/(host|run|wall)\/)|house|machine|sandbox|telemetry|trace|types|workers)\//;

/** What a file does to its process that the next one would meet there. */
const TRACES = [
  /\bvi\.(mock|doMock|spyOn|stub\w+|useFakeTimers)\(/,
  /\bprocess\.env(\.\w+|\[[^\]]+\])\s*(\?\?)?=[^=]/,
  /\bdelete process\.env\b/,
  /\bprocess\.(on|once|chdir|umask)\(/,
  /\b(setFlagsFromString|memoryUsage|setGlobalContextManager|threadCpuUsage)\b/,
  /\bfrom "node:diagnostics_channel"/,
  // Who shares the time of a process is known to all that runs in it.
  /\bhostTime\b/,
];
/** Of a helper's module: such a hook is for the first file that loads it, and for no other. */
const HOOKS = /^(before|after)(All|Each)\(/m;
const IMPORTS = /\bfrom "(\.{1,2}\/[^"]+)"/g;

/**
 * The test files below `root` that need a process of their own, by what is in them and in the helpers that they import,
 * and those that begin a run. All others may follow each other in one process.
 */
export function needOwnProcess(root: string): string[] {
  const known = new Map<string, boolean>();
  const needs = (file: string): boolean => {
    const before = known.get(file);
    if (before !== undefined) return before;
    known.set(file, false);
    const text = readFileSync(file, "utf8");
    const helpers = [...text.matchAll(IMPORTS)]
      .map(([, path = ""]) => join(dirname(file), path))
      .filter((path) => path.startsWith(join(root, "test")) && existsSync(path));
    const found =
      TRACES.some((trace) => trace.test(text)) ||
      (!file.endsWith(".test.ts") && HOOKS.test(text)) ||
      helpers.some(needs);
    known.set(file, found);
    return found;
  };
  const files = globSync("test/**/*.test.ts", { cwd: root }).map((file) => file.replaceAll("\\", "/"));
  return files.filter((file) => FOLDERS.test(file) || LONGEST.includes(file) || needs(join(root, file)));
}
