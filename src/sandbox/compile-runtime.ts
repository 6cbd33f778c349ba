import type ivm from "isolated-vm";
import { RUNTIME_NAME } from "./isolate-sources.ts";

/**
 * What V8 takes in place of compiling: the build's cache, or where V8 has other flags in this process, one that the first
 * realm makes. Machine code: never from anywhere else.
 */
let known: ivm.ExternalCopy<ArrayBuffer> | undefined;

/** @param cache makes the one of the build, where there is one */
export async function compileRuntime(
  isolate: ivm.Isolate,
  text: string,
  cache: () => ivm.ExternalCopy<ArrayBuffer> | undefined,
): Promise<ivm.Script> {
  known ??= cache();
  if (known !== undefined) {
    const script = await isolate.compileScript(text, { filename: RUNTIME_NAME, cachedData: known });
    if (!(script as ivm.Script & { cachedDataRejected: boolean }).cachedDataRejected) return script;
  }
  const script = await isolate.compileScript(text, { filename: RUNTIME_NAME, produceCachedData: true });
  known = (script as ivm.CachedDataResult).cachedData;
  return script;
}

/**
 * V8's code cache of the runtime, with each function of it that has been called in this isolate: V8 still has what it has
 * compiled of the same source under the same name.
 */
export async function codeCacheOf(isolate: ivm.Isolate, text: string): Promise<ArrayBuffer> {
  const script = await isolate.compileScript(text, { filename: RUNTIME_NAME, produceCachedData: true });
  return (script as ivm.CachedDataResult).cachedData!.copy();
}
