import {
  ObjectCreate,
  ObjectDefineProperty,
  ObjectKeys,
  SafeNumber,
  SafeString,
  SafeTypeError,
} from "../../../src/shared/primordials.ts";
import { callSync, callUnanswered, defineGlobal, endTurns, onFrame } from "./kernel.ts";

interface ScriptContext {
  argv: string[];
  env: Record<string, string>;
  input?: string;
}

function writer(stream: "stdout" | "stderr"): { write(text: string): boolean } {
  return {
    write(text: unknown): boolean {
      if (typeof text !== "string") {
        throw new SafeTypeError(`Cannot write to process.${stream}: the text must be a string, not ${typeof text}`);
      }
      callUnanswered("console_write", { stream, text });
      return true;
    },
  };
}

function exit(code?: unknown): never {
  endTurns();
  callSync("script_exit", { code: code === undefined ? 0 : SafeNumber(code) });
  // The host ends this realm while the guest is here; nothing after process.exit() may run.
  for (;;);
}

/** A shim with the five things that scripts use, not Node's object. */
export function installProcess(): void {
  const shim: Record<string, unknown> = {
    stdout: writer("stdout"),
    stderr: writer("stderr"),
    argv: [],
    env: ObjectCreate(null),
    exit,
  };
  defineGlobal("process", shim);
  onFrame("script_begin", (body) => {
    const { argv, env, input } = body[2] as ScriptContext;
    shim["argv"] = argv;
    const own = ObjectCreate(null) as Record<string, string>;
    const names = ObjectKeys(env);
    for (let i = 0; i < names.length; i++) own[names[i]!] = SafeString(env[names[i]!]);
    shim["env"] = own;
    if (input === undefined) delete (globalThis as { input?: unknown }).input;
    else defineGlobal("input", () => input);
  });
  ObjectDefineProperty(shim, Symbol.toStringTag, { value: "process", configurable: true });
}
