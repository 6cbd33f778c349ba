import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

let folder: string | undefined;
let text: string | undefined;

/** Where the guest runtime and V8's code caches of it are. */
export function runtimeFolder(): string {
  folder ??= dirname(createRequire(import.meta.url).resolve("#guest/runtime.js"));
  return folder;
}

/** The guest runtime as source text: an expression whose value takes what the realm hands in and starts the kernel. */
export function runtimeText(): string {
  text ??= readFileSync(join(runtimeFolder(), "runtime.js"), "utf8");
  return text;
}
