import type { SetupFunction } from "../src/engine/engine-options.ts";

/** `steps`: what makes steps of functions and of other steps. It lives in the guest; its runs are the host's. */
export function setupSteps(): SetupFunction {
  return async function steps(vm) {
    await vm.install("steps");
  };
}
