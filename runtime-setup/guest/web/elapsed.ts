import { OPS } from "../../../src/shared/contract/ops.ts";
import { callSync } from "../core/kernel.ts";

/** Milliseconds since the engine's start, with a fraction. */
export function elapsedMs(): number {
  return callSync(OPS.clock_now, {});
}
