import { ObjectCreate, ObjectKeys, SafeNumber, SafeString, SafeTypeError } from "../../../src/shared/primordials.ts";
import { FRAMES } from "../../../src/shared/contract/frame-kinds.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { callNote, callSync, defineGlobal, endTurns, onFrame } from "./kernel.ts";

function writer(stream: "stdout" | "stderr"): { write(text: string): boolean } {
  return {
    write(text: unknown): boolean {
      if (typeof text !== "string") {
        throw new SafeTypeError(`Cannot write to process.${stream}: the text must be a string, not ${typeof text}`);
      }
      callNote(OPS.console_write, { stream, text });
      return true;
    },
  };
}

function exit(code?: unknown): never {
  endTurns();
  callSync(OPS.script_exit, { code: code === undefined ? 0 : SafeNumber(code) });
  // The host ends this realm while the guest is here; nothing after process.exit() may run.
  for (;;);
}

/** A shim with the five things that scripts use. It has no tag of Node's object: by that packages tell that they run in Node. */
export function installProcess(): void {
  const shim: Record<string, unknown> = {
    stdout: writer("stdout"),
    stderr: writer("stderr"),
    argv: [],
    env: ObjectCreate(null),
    exit,
  };
  defineGlobal("process", shim);
  onFrame(FRAMES.script_begin, ({ argv, env, input }) => {
    shim["argv"] = argv;
    const own = ObjectCreate(null) as Record<string, string>;
    const names = ObjectKeys(env);
    for (let i = 0; i < names.length; i++) own[names[i]!] = SafeString(env[names[i]!]);
    shim["env"] = own;
    if (input === undefined) delete (globalThis as { input?: unknown }).input;
    else defineGlobal("input", () => input);
  });
}
