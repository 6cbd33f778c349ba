import { defineGlobal, endScript } from "./kernel.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { sendResult } from "./script.ts";

/** `done(value?)`: the script has completed. The rest of its turn runs unheard; later calls do nothing. A session goes on. */
export function installDone(): void {
  defineGlobal("done", function done(value?: unknown): void {
    sendResult(OPS.script_done, {}, value);
    endScript();
  });
}
