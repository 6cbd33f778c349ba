/** What stands in for modules of Node's own: shims where they are pure, and else something that says so when it is used. */
import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { RUN_OPTIONS } from "../../config/table/run-options.ts";

/** Modules of Node's that have a shim in the folder of shims. */
const SHIMS: ReadonlySet<string> = new Set([
  "assert",
  "assert/strict",
  "buffer",
  "events",
  "module",
  "path",
  "path/posix",
  "perf_hooks",
  "process",
  "punycode",
  "querystring",
  "stream",
  "stream/promises",
  "string_decoder",
  "timers",
  "timers/promises",
  "tty",
  "url",
  "util",
  "util/types",
]);

/** What packages use of Node's globals. */
export const GLOBALS_TEXT = `import buffer from "buffer";
export const Buffer = buffer.Buffer;
export const __nextTick = (callback, ...args) => queueMicrotask(() => callback(...args));
`;

/** What a script uses instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  async_hooks: "pass what you need as an argument",
  child_process: "processes are the host app's to start",
  crypto: "use crypto.randomUUID(), crypto.getRandomValues() or a package",
  dns: "names are the host app's to resolve",
  fs: `give a file with ${RUN_OPTIONS.input.flag.name} and read it with input()`,
  http: "connections are the host app's to make",
  net: "connections are the host app's to make",
  os: "what you need of the machine comes with -e KEY=VALUE",
  readline: `give a text with ${RUN_OPTIONS.input.flag.name} and read it with input()`,
  vm: "evaluate code as a step of the host app's",
  worker_threads: "run steps in parallel with steps.createParallelStep()",
  zlib: "use a package, such as fflate",
};

export function hasShim(name: string): boolean {
  return SHIMS.has(name);
}

/** Why a script of somebody's own cannot import this one. */
export function builtinText(specifier: string): string {
  const name = specifier.replace(/^node:/, "");
  const instead = INSTEAD[name.replace(/\/.*$/, "").replace(/^(?:https|http2|tls|dgram)$/, "net")];
  const base = `Cannot import "${specifier}": scripts have nothing of Node's own`;
  return instead === undefined ? base : `${base}; ${instead}`;
}

/** The text of a CommonJS module for one of Node's. */
export function builtinSource(name: string, folder: string): string {
  if (SHIMS.has(name)) return readFileSync(join(folder, `${name.replace("/", "-")}.cjs`), "utf8");
  if (!builtinModules.includes(name)) return `throw new Error(${JSON.stringify(builtinText(`node:${name}`))});`;
  return standIn(name);
}

/** Has the names of Node's module, so that packages load that use it only for a part of what they do. */
function standIn(name: string): string {
  const actual = process.getBuiltinModule(name) as unknown as Record<string, unknown>;
  const names = Object.keys(actual).filter((key) => typeof actual[key] === "function");
  return `const text = ${JSON.stringify(builtinText(`node:${name}`))};
const standIn = (key) => Object.defineProperty(function () { throw new Error("Cannot use " + key + ": " + text); }, "name", { value: key });
for (const key of ${JSON.stringify(names)}) exports[key] = standIn(key);
exports.constants = {};
exports.promises = new Proxy({}, { get: (_, key) => standIn(String(key)) });
`;
}
