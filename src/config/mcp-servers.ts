import type { CallEffect } from "../base/calls/outside.ts";
import { closestName } from "../shared/closest-name.ts";
import { parseWait } from "../shared/duration.ts";
import { MAX_TIMER_MS } from "../shared/limits.ts";
import type { KeyStore } from "./key-store.ts";
import { isObject } from "../shared/is-object.ts";
import { headersProblem } from "../shared/values/header-text.ts";

/** An MCP server as settings name it. Values of `env` and `headers` may be `env:NAME`, `key:NAME` or `Bearer key:NAME`. */
export interface McpServerSource {
  command?: string;
  args?: string[];
  env?: Record<string, string>;
  cwd?: string;
  url?: string;
  headers?: Record<string, string>;
  timeoutMs?: number;
  effect?: CallEffect;
}

/** The same as the library takes it: with its keys, or why it cannot be started. */
export type McpServerValue = { timeoutMs?: number; effect?: CallEffect; missing?: string } & (
  | { command: string; args?: string[]; env?: Record<string, string>; cwd?: string }
  | { url: string; headers?: Record<string, string> }
);

const OF_STDIO = ["command", "args", "env", "cwd", "timeout", "effect"];
const OF_HTTP = ["url", "headers", "timeout", "effect"];
const EFFECTS: readonly unknown[] = ["none", "keyed", "once"] satisfies CallEffect[];
const REFERENCE = /^([A-Za-z]+ )?(env|key):(.+)$/;

export function readMcpServers(value: unknown): Record<string, McpServerSource> | undefined {
  if (mcpServersProblem(value) !== undefined) return undefined;
  const servers: Record<string, McpServerSource> = {};
  for (const [name, given] of Object.entries(value as Record<string, Record<string, unknown>>)) {
    const { timeout, ...rest } = given;
    servers[name] = { ...rest, ...(timeout === undefined ? {} : { timeoutMs: parseWait(timeout)! }) };
  }
  return servers;
}

/** What is wrong with a setting that should hold servers. */
export function mcpServersProblem(value: unknown): string | undefined {
  if (!isObject(value)) return "expected names, each with { command, args, env, cwd } or { url, headers }";
  for (const [name, server] of Object.entries(value)) {
    const problem = problemOf(server);
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  return undefined;
}

function problemOf(server: unknown): string | undefined {
  if (!isObject(server)) return "expected { command, args, env, cwd } or { url, headers }";
  const { command, args, env, cwd, url, headers, timeout, effect } = server;
  if ((command === undefined) === (url === undefined)) return "expected either a command or a url";
  const known = url === undefined ? OF_STDIO : OF_HTTP;
  for (const field of Object.keys(server)) {
    if (known.includes(field)) continue;
    const close = closestName(field, known);
    return `there is no "${field}" here${close === undefined ? `, there are ${known.join(", ")}` : `; did you mean "${close}"?`}`;
  }
  if (command !== undefined && (typeof command !== "string" || command === "")) return "command must be a program";
  if (args !== undefined && !(Array.isArray(args) && args.every((arg) => typeof arg === "string")))
    return "args must be a list of texts";
  if (cwd !== undefined && typeof cwd !== "string") return "cwd must be a folder";
  if (url !== undefined && !(typeof url === "string" && /^https?:$/.test(URL.parse(url)?.protocol ?? "")))
    return "url must be an http or https URL";
  if (env !== undefined && !isTexts(env)) return "env must hold texts, by name";
  if (headers !== undefined && !isTexts(headers)) return "headers must hold texts, by name";
  const unfit = headers && headersProblem(headers);
  if (unfit !== undefined) return unfit;
  if (effect !== undefined && !EFFECTS.includes(effect)) return 'effect must be "none", "keyed" or "once"';
  const ms = timeout === undefined ? 1 : (parseWait(timeout) ?? 0);
  return ms > 0 && ms <= MAX_TIMER_MS ? undefined : "timeout must be a time such as 60s or 500ms";
}

/** The servers that settings name, with their keys. A key that is missing is an error when its server is needed. */
export async function mcpServerValues(
  sources: Readonly<Record<string, McpServerSource>> = {},
  env: Readonly<Record<string, string | undefined>>,
  keys: KeyStore,
): Promise<Record<string, McpServerValue>> {
  const servers: Record<string, McpServerValue> = {};
  for (const [name, source] of Object.entries(sources)) {
    const missing: string[] = [];
    const resolved = async (texts: Record<string, string> | undefined): Promise<Record<string, string>> => {
      const values: Record<string, string> = {};
      for (const [key, text] of Object.entries(texts ?? {})) {
        const { value, why } = await lookUp(text, env, keys);
        values[key] = value;
        if (why !== undefined) missing.push(why);
      }
      return values;
    };
    const { env: variables, headers, ...rest } = source;
    const whole = {
      ...rest,
      ...(variables === undefined ? {} : { env: await resolved(variables) }),
      ...(headers === undefined ? {} : { headers: await resolved(headers) }),
    };
    servers[name] = { ...whole, ...(missing.length === 0 ? {} : { missing: missing.join("; ") }) } as McpServerValue;
  }
  return servers;
}

/** What stands for a key or a variable in the settings of servers: the variables of this process among them. */
export function referencesOf(sources: Readonly<Record<string, McpServerSource>> = {}): string[] {
  return Object.values(sources)
    .flatMap(({ env = {}, headers = {} }) => [...Object.values(env), ...Object.values(headers)])
    .flatMap((text) => {
      const [, , kind, name] = REFERENCE.exec(text) ?? [];
      return kind === undefined ? [] : [`${kind}:${name}`];
    });
}

async function lookUp(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  keys: KeyStore,
): Promise<{ value: string; why?: string }> {
  const [, scheme = "", kind, name = ""] = REFERENCE.exec(text) ?? [];
  if (kind === undefined) return { value: text };
  const value = kind === "key" ? await keys.get(name) : env[name];
  if (value) return { value: scheme + value };
  const why =
    kind === "key"
      ? `no key is stored as "${name}"; run geppetto-js keys set ${name}`
      : `the variable ${name} is not set`;
  return { value: "", why };
}

export function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((item) => typeof item === "string");
}
