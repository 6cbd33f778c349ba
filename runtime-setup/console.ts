import { callWith, type CallContext } from "../src/base/call-context.ts";
import { callBack } from "../src/base/calls/call-back.ts";
import { OPS } from "../src/shared/contract/ops.ts";
import { limitError } from "../src/engine/limits.ts";
import type { SetupFunction } from "../src/engine/engine.ts";
import { parseFields } from "../src/engine/guest-messages.ts";

/** Where a guest's output goes. Each text comes with the call context of its script. Nobody waits for it, nor for a promise of its. */
export interface ConsoleSink {
  stdout(text: string, call: CallContext): void;
  stderr(text: string, call: CallContext): void;
  /** Hears, once for each script, that it has printed a promise in place of its value. */
  onPromise?(): void;
  /** Whether texts for that stream may be coloured; default no. */
  colors?: { stdout: boolean; stderr: boolean };
}

/** Writes to this process's own streams, without colours. */
export const processConsole: ConsoleSink = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
};

/** `console`, bounded by `limits.outputBytes` for each script. */
export function setupConsole(sink: ConsoleSink = processConsole): SetupFunction {
  return function console(vm) {
    const { outputBytes } = vm.host.limits;
    let written = 0;
    vm.host.setOp(OPS.console_write, (args) => {
      const { stream, text } = parseFields(args);
      if (typeof text !== "string") return;
      written += Buffer.byteLength(text);
      if (written > outputBytes) {
        vm.host.endScript(limitError("outputBytes", outputBytes));
        return;
      }
      const call = callWith();
      const write = (): void => (stream === "stderr" ? sink.stderr(text, call) : sink.stdout(text, call));
      vm.host.whenKept(() => callBack(write));
    });
    vm.host.setOp(OPS.console_promise, () => vm.host.whenKept(() => callBack(() => sink.onPromise?.())));
    const begin = (): void => void (written = 0);
    vm.host.onReset(begin);
    vm.host.onSessionRun(begin);
    vm.host.later(vm.install("console", { colors: sink.colors ?? { stdout: false, stderr: false } }));
  };
}
