import {
  NumberIsInteger,
  ObjectCreate,
  ObjectDefineProperty,
  ObjectKeys,
  SafeNumber,
  SafeRangeError,
  SafeString,
  SafeTypeError,
  StringTrim,
} from "../../../src/shared/primordials.ts";
import { inspect } from "../inspect/inspect.ts";
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

const MAX_EXIT_CODE = 63;

/** What `process.exitCode` is; undefined where the script has not set it. */
let exitCode: number | undefined;

function exit(code?: unknown): never {
  endTurns();
  callSync(OPS.script_exit, { code: code === undefined ? (exitCode ?? 0) : SafeNumber(code) });
  // The host ends this realm while the guest is here; nothing after process.exit() may run.
  for (;;);
}

/** The number that is meant, as Node takes it: a whole one, or a text that is one; undefined and null for none. */
function toExitCode(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  const code = typeof value === "string" && StringTrim(value) !== "" ? SafeNumber(value) : value;
  if (typeof code === "number" && NumberIsInteger(code) && code >= 0 && code <= MAX_EXIT_CODE) return code;
  const text = `Cannot set process.exitCode: it must be a whole number from 0 to ${MAX_EXIT_CODE}, got ${inspect(value)}`;
  const isNumber = typeof value === "number" || (typeof code === "number" && code === code);
  throw isNumber ? new SafeRangeError(text) : new SafeTypeError(text);
}

/** A shim with the six things that scripts use. It has no tag of Node's object: by that packages tell that they run in Node. */
export function installProcess(): void {
  const shim: Record<string, unknown> = {
    stdout: writer("stdout"),
    stderr: writer("stderr"),
    argv: [],
    env: ObjectCreate(null),
    exit,
  };
  ObjectDefineProperty(shim, "exitCode", {
    get: () => exitCode,
    set(value: unknown) {
      exitCode = toExitCode(value);
      callSync(OPS.script_exit_code, { code: exitCode });
    },
    enumerable: true,
    configurable: false,
  });
  defineGlobal("process", shim);
  onFrame(FRAMES.script_begin, ({ argv, env, input }) => {
    exitCode = undefined;
    shim["argv"] = argv;
    const own = ObjectCreate(null) as Record<string, string>;
    const names = ObjectKeys(env);
    for (let i = 0; i < names.length; i++) own[names[i]!] = SafeString(env[names[i]!]);
    shim["env"] = own;
    if (input === undefined) delete (globalThis as { input?: unknown }).input;
    else defineGlobal("input", () => input);
  });
}
