import { OPS } from "../../../src/shared/contract/ops.ts";
import { callSync } from "../core/kernel.ts";
import { virtualElapsedMs } from "../time/current-time.ts";

/** Milliseconds since the engine's start, with a fraction. */
export function elapsedMs(): number {
  return virtualElapsedMs() ?? callSync(OPS.clock_now, {});
}
