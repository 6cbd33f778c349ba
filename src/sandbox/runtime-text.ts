import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

let text: string | undefined;

/** The guest runtime as source text: an expression whose value takes the realm's bridge and starts the kernel. */
export function runtimeText(): string {
  if (text === undefined) {
    const bundle = readFileSync(createRequire(import.meta.url).resolve("#guest/runtime.js"), "utf8");
    text = `(function (call, callBlocking, note) {${bundle};return runtime.start(call, callBlocking, note);})`;
  }
  return text;
}
