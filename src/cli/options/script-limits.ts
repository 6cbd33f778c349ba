import type { Settings } from "../../config.ts";
import type { EngineLimits } from "../../index.ts";
import { formatDuration } from "./quantities.ts";

/** The most that a script has with `--untrusted`. Options lower it and never raise it. */
const UNTRUSTED = { wallMs: 60_000, cpuMs: 10_000, memoryMB: 64, outputBytes: 1_000_000 } as const;

/** The limits that a script's settings make. */
export function limitsOf(
  { timeoutMs, cpuMs, memoryMB }: Settings["limits"],
  untrusted = false,
): Partial<EngineLimits> & { wallMs: number; memoryMB: number } {
  if (!untrusted) return { wallMs: timeoutMs, memoryMB, ...(cpuMs === undefined ? {} : { cpuMs }) };
  return {
    wallMs: Math.min(timeoutMs, UNTRUSTED.wallMs),
    cpuMs: Math.min(cpuMs ?? Infinity, UNTRUSTED.cpuMs),
    memoryMB: Math.min(memoryMB, UNTRUSTED.memoryMB),
    outputBytes: UNTRUSTED.outputBytes,
  };
}

/** The limits of `--untrusted` in words. */
export function describeUntrusted(): string {
  const { wallMs, cpuMs, memoryMB, outputBytes } = UNTRUSTED;
  const output = `${outputBytes / 1_000_000} MB of output`;
  return `${formatDuration(wallMs)}, ${formatDuration(cpuMs)} of it computing, ${memoryMB} MB and ${output}`;
}
