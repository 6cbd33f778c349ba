import { randomBytes } from "node:crypto";
import type { SetupFunction } from "../../src/engine/engine.ts";
import { parseFields } from "../../src/engine/guest-messages.ts";
import { OPS } from "../../src/shared/contract/ops.ts";
import type { Seed } from "../../src/shared/random.ts";

/** Has the guest take its time and its random numbers from the engine, where that makes its runs the same each time. */
export function setupReproducible(): SetupFunction {
  return async function reproducible(vm, engine) {
    const { clock } = engine;
    if (clock === undefined) {
      // The journal knows what the clock read.
      vm.host.setOp(OPS.clock_reads, () => {});
      if (engine.isJournaled) {
        await vm.install("reproducible", { seed: randomSeed(), clock: { mode: "live" } });
      }
      return;
    }
    vm.host.setOp(OPS.clock_reads, (args) => {
      const { reads } = parseFields(args);
      const last = Array.isArray(reads) ? (reads.at(-1) as unknown) : undefined;
      const elapsedMs = Array.isArray(last) ? (last[1] as unknown) : undefined;
      if (typeof elapsedMs === "number" && Number.isFinite(elapsedMs)) clock.noteGuestTime(elapsedMs);
    });
    await vm.install("reproducible", { seed: clock.guestSeed, clock: { mode: "virtual", now: clock.start } });
  };
}

function randomSeed(): Seed {
  const bytes = randomBytes(16);
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8), bytes.readUInt32LE(12)];
}
