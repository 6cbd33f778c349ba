import { FRAMES } from "../src/shared/contract/frame-kinds.ts";
import type { SetupFunction } from "../src/engine/engine.ts";

/** The `process` shim: output, `argv`, `env` and `exit`, all as the script's host set them. */
export function setupProcess(): SetupFunction {
  return async function process(vm) {
    await vm.install("process");
    vm.host.onScriptBegin(async (context) => {
      await vm.host.enterChecked(FRAMES.script_begin, context);
    });
  };
}
