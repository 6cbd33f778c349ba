import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Where a realm is: V8 has other flags in each, and takes a code cache only with the flags of its making. */
export type CacheKind = "process" | "jitless" | "thread";

/**
 * V8's code cache of the runtime that the build has made for this version of V8 and its flags; undefined where there is
 * none. V8 refuses one that does not fit. Machine code: it is part of the program, and never comes from anywhere else.
 */
export function readRuntimeCache(folder: string, kind: CacheKind): ArrayBuffer | undefined {
  try {
    const name = `runtime-${process.versions.v8}${kind === "process" ? "" : `-${kind}`}.cache`;
    const { buffer, byteLength } = readFileSync(join(folder, name));
    // Node gives a file of this size memory of its own; a part of what others use would be nobody's to hand on.
    return buffer.byteLength === byteLength ? buffer : undefined;
  } catch {
    return undefined;
  }
}
