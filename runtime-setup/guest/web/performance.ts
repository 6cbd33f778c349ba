import { OPS } from "../../../src/shared/contract/ops.ts";
import { ObjectDefineProperty, SafeSymbol } from "../../../src/shared/primordials.ts";
import { callSync, defineGlobal } from "../core/kernel.ts";

/** Milliseconds since the engine's start, with a fraction. */
export function elapsedMs(): number {
  return callSync(OPS.clock_now, {});
}

/** Defines `performance.now()` and `performance.timeOrigin`. */
export function installPerformance(): void {
  let origin: number | undefined;
  const performance = {
    now: (): number => elapsedMs(),
    get timeOrigin(): number {
      return (origin ??= callSync(OPS.clock_origin, {}));
    },
  };
  ObjectDefineProperty(performance, SafeSymbol.toStringTag, { value: "Performance", configurable: true });
  defineGlobal("performance", performance);
}
