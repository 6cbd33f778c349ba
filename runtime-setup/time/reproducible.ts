import type { SetupFunction } from "../../src/engine/engine.ts";
import { parseFields } from "../../src/engine/guest-messages.ts";
import { OPS } from "../../src/shared/contract/ops.ts";
import { toSeed } from "../../src/shared/random.ts";

/** Of the seed: see the other uses in `src/engine/time`. */
const GUEST_USE = 0;

/** Has the guest take its time and its random numbers from the engine, where that makes its runs the same each time. */
export function setupReproducible(): SetupFunction {
  return async function reproducible(vm, engine) {
    const { clock } = engine;
    if (clock === undefined) return;
    vm.host.setOp(OPS.clock_reads, (args) => {
      const { reads } = parseFields(args);
      const last = Array.isArray(reads) ? (reads.at(-1) as unknown) : undefined;
      const elapsedMs = Array.isArray(last) ? (last[1] as unknown) : undefined;
      if (typeof elapsedMs === "number" && Number.isFinite(elapsedMs)) clock.noteGuestTime(elapsedMs);
    });
    await vm.install("reproducible", {
      seed: toSeed(clock.seed, GUEST_USE),
      clock: { mode: "virtual", now: clock.start },
    });
  };
}
