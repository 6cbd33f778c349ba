/** What every realm of isolated-vm compiles and reads, whichever way it is entered. */
import ivm from "isolated-vm";
import { flagFor, showAsked } from "../permissions/flag-for.ts";
import { GeppettoError } from "../shared/errors.ts";
import { MAX_FRAME_CHARS, type Frame } from "../shared/frames.ts";
import { describeThrown } from "./describe-thrown.ts";
import type { EntryOptions, RealmFailure } from "./realm.ts";

export const RUNTIME_NAME = "geppetto:runtime";
export const MAIN_NAME = "geppetto:main";

/** A module that exports `complete` to our main module only: a script has no way to name it. */
export const HOOKS_SOURCE = "export const complete = globalThis.geppettoComplete; delete globalThis.geppettoComplete;";

/**
 * The module that imports a script and hands its namespace over when it has run to its end. Handing over can run code of the
 * script's. V8 ends the whole process where that is terminated in a module without an await of its own that has waited for
 * one with; nothing awaits here.
 */
export function mainSource(token: number): string {
  return `import { complete } from "hooks"; import * as script from "script"; complete(${token}, script); if (false) await 0;`;
}

/** isolated-vm lets only the guest itself fill in import.meta, so a line of ours does, before line 1. */
export function moduleSource(code: string, filename: string): string {
  return `import.meta.url=${JSON.stringify(filename)};\n${code.replace(/^#!/, "//")}`;
}

/** @throws {GeppettoError} PermissionError when the module imports anything. */
export function checkImports({ dependencySpecifiers: [specifier] }: ivm.Module): void {
  if (specifier === undefined) return;
  const flag = flagFor("import", specifier);
  throw new GeppettoError(
    "PermissionError",
    `import denied: ${showAsked(specifier)}: nothing may be imported; allow it with ${flag}`,
  );
}

/** What is in the global that keeps the value of code as long as the code has not come to its end. */
export const UNREACHED = "geppetto: the code has not come to its end";

/** Has code come to its end, that keeps its value here, where this was thrown? What was cut short is not to go on. */
export function isReached(kept: ivm.Reference, thrown: unknown): boolean {
  const isCut = describeThrown(thrown).message.startsWith(TIMED_OUT);
  return !isCut && (kept.typeof !== "string" || kept.copySync() !== UNREACHED);
}

/** How isolated-vm says that an entry exceeded its time. */
const TIMED_OUT = "Script execution timed out";

/** @param spentMs what the entry has taken of its time already */
export function entryOptions({ timeoutMs }: EntryOptions, spentMs = 0): ivm.RunOptions {
  // isolated-vm takes whole milliseconds and reads 0 as "no limit".
  return timeoutMs === undefined ? {} : { timeout: Math.max(1, Math.ceil(timeoutMs - spentMs)) };
}

export function checkedFrame(frame: unknown): string {
  return typeof frame === "string" && frame.length <= MAX_FRAME_CHARS * 2 ? frame : "";
}

export function toCopy({ text, buffers = [] }: Frame): ivm.Copy<Frame> {
  return new ivm.ExternalCopy({ text, buffers }).copyInto({ release: true });
}

interface EntryState {
  isDisposed: boolean;
  elapsedMs?: number;
  timeoutMs?: number | undefined;
}

/** Why an entry failed. The reason is read from the host's own state; the guest can throw any text it likes. */
export function failureOf(thrown: unknown, { isDisposed, elapsedMs = 0, timeoutMs }: EntryState): RealmFailure {
  if (isDisposed) return { kind: "memory" };
  const error = describeThrown(thrown);
  const isTimeout = timeoutMs !== undefined && elapsedMs >= timeoutMs;
  if (isTimeout && error.message.startsWith(TIMED_OUT)) {
    return error.stack === undefined ? { kind: "timeout" } : { kind: "timeout", stack: error.stack };
  }
  return { kind: "thrown", error };
}
