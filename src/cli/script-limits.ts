import type { EngineLimits } from "../index.ts";
import { formatDuration } from "./quantities.ts";
import type { ScriptOptions } from "./script-options.ts";

/** The most that a script has with `--untrusted`. Options lower it and never raise it. */
const UNTRUSTED = { wallMs: 60_000, cpuMs: 10_000, memoryMB: 64, outputBytes: 1_000_000 } as const;

/** The limits that a script's options make. */
export function limitsOf(
  options: Pick<ScriptOptions, "timeout" | "cpu" | "memory" | "untrusted">,
): Partial<EngineLimits> & { wallMs: number; memoryMB: number } {
  const { timeout, cpu, memory, untrusted } = options;
  if (!untrusted) return { wallMs: timeout, memoryMB: memory, ...(cpu === undefined ? {} : { cpuMs: cpu }) };
  return {
    wallMs: Math.min(timeout, UNTRUSTED.wallMs),
    cpuMs: Math.min(cpu ?? Infinity, UNTRUSTED.cpuMs),
    memoryMB: Math.min(memory, UNTRUSTED.memoryMB),
    outputBytes: UNTRUSTED.outputBytes,
  };
}

/** The limits of `--untrusted` in words. */
export function describeUntrusted(): string {
  const { wallMs, cpuMs, memoryMB, outputBytes } = UNTRUSTED;
  const output = `${outputBytes / 1_000_000} MB of output`;
  return `${formatDuration(wallMs)}, ${formatDuration(cpuMs)} of it computing, ${memoryMB} MB and ${output}`;
}
