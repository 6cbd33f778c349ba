import type { SetupFunction } from "../src/engine/engine.ts";

/** `done(value?)`: says that the script has completed. */
export function setupDoneCallback(): SetupFunction {
  return function doneCallback(vm) {
    vm.host.later(vm.install("done"));
  };
}
