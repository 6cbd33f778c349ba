import type { SetupFunction } from "../src/engine/engine.ts";

/** `done(value?)`: says that the script has completed. */
export function setupDoneCallback(): SetupFunction {
  return async function doneCallback(vm) {
    await vm.install("done");
  };
}
