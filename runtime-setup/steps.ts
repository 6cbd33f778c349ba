import type { SetupFunction } from "../src/engine/engine.ts";
import { refuseWrong, type FieldsOf } from "../src/shared/wrong-option.ts";
import { StepCache, type StepCacheSettings } from "./step-cache.ts";

export const CACHE_FIELDS: FieldsOf<StepCacheSettings> = { cache: true, onNotice: true };

/** `steps`: what makes steps of functions and of other steps. It lives in the guest; its runs are the host's. */
export function setupSteps(settings: StepCacheSettings = {}): SetupFunction {
  refuseWrong("set up steps", settings, CACHE_FIELDS);
  return function steps(vm) {
    const cache = new StepCache(settings);
    vm.host.setInterceptor("cache", (source, run) => cache.intercept(source, run));
    vm.host.onReset(() => cache.forget());
    vm.host.later(vm.install("steps"));
  };
}
