import type { EngineLimits } from "../limits.ts";

/** How long a turn that is running when the time is up may take to tell where it was, in milliseconds. */
export const INTERRUPT_MS = 150;
/** How often the CPU time is compared with its limit, in milliseconds. */
const CPU_WATCH_MS = 50;

/** What is to end when the host wishes it, or its time is up. */
interface Watched {
  abort(): void;
  timeIsUp(wallMs: number): void;
  cpuTimeIsUp(cpuMs: number): void;
}

/**
 * Tells of the host's signal and of the limits of time.
 *
 * @param guest whose CPU time counts from now on
 * @returns what stops that
 */
export function watchLimits(
  watched: Watched,
  guest: { readonly cpuMs: number },
  { wallMs, cpuMs }: Pick<EngineLimits, "wallMs" | "cpuMs">,
  signal: AbortSignal | undefined,
): () => void {
  const onAbort = (): void => watched.abort();
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer = wallMs === undefined ? undefined : setTimeout(() => watched.timeIsUp(wallMs), wallMs);
  const startCpuMs = guest.cpuMs;
  const look = (): void => {
    if (guest.cpuMs - startCpuMs > cpuMs!) watched.cpuTimeIsUp(cpuMs!);
  };
  const watch = cpuMs === undefined ? undefined : setInterval(look, CPU_WATCH_MS);
  if (signal?.aborted === true) onAbort();
  return () => {
    clearTimeout(timer);
    clearInterval(watch);
    signal?.removeEventListener("abort", onAbort);
  };
}
