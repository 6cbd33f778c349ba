import type { CallEffect } from "../base/calls/outside.ts";
import { SECRET_NAMES } from "../base/redacted.ts";
import { closestName } from "../shared/closest-name.ts";
import { GeppettoError } from "../shared/errors.ts";
import { MAX_TIMER_MS } from "../shared/limits.ts";
import { toIdentifier } from "./identifier.ts";
import type { McpServerName } from "./mcp-source.ts";
import { showText } from "./untrusted-text.ts";
import { isObject } from "../shared/is-object.ts";

/** What all servers have. */
interface ServerOptions {
  /** Longest time of one request, in milliseconds; progress begins it anew. Default 60,000. */
  timeoutMs?: number;
  /**
   * What becomes of a tool call in an execution that lasts whose answer was lost with its process. Default what the server
   * says of the tool: "none" with `readOnlyHint`, "keyed" with `idempotentHint`, else "once".
   */
  effect?: CallEffect;
  /** Why the server cannot be started, for example since a key is missing: said when a script needs it. */
  missing?: string;
}

/** A server that is a program of this machine's, and speaks over its stdin and stdout. */
export interface StdioServer extends ServerOptions {
  command: string;
  args?: readonly string[];
  /** Variables beside `PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL` and `TERM`; it gets no others of this process. */
  env?: Readonly<Record<string, string>>;
  /** Default the working directory. */
  cwd?: string;
}

/** A server that is asked by Streamable HTTP. */
export interface HttpServer extends ServerOptions {
  url: string;
  /** Go with every request, for example a key. */
  headers?: Readonly<Record<string, string>>;
}

export type McpServer = StdioServer | HttpServer;

/** A server's settings, read. */
export interface KnownServer {
  name: string;
  /** `mcp.IDENTIFIER` in scripts. */
  identifier: string;
  timeoutMs: number;
  effect: CallEffect | undefined;
  missing: string | undefined;
  way: Pick<StdioServer, "command" | "args" | "env" | "cwd"> | { url: URL; headers: Readonly<Record<string, string>> };
}

const COMMON = ["timeoutMs", "effect", "missing"];
const OF_STDIO = ["command", "args", "env", "cwd"];
const OF_HTTP = ["url", "headers"];
const EFFECTS: readonly unknown[] = ["none", "keyed", "once"] satisfies CallEffect[];

/** What `mcp` has of its own in scripts, and what every object is asked for. */
const OWN_NAMES = new Set(["search", "describe", "then", "toJSON", "constructor", "__proto__"]);
const MAX_SERVERS = 100;
/** Longest name of a server, in characters. */
const MAX_NAME = 100;
const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Reads the servers that a host gives its scripts; by their identifiers.
 *
 * @throws {GeppettoError} ConfigError that names the server, and what is wrong with it.
 */
export function readServers(given: Readonly<Record<string, McpServer>>): Map<string, KnownServer> {
  const servers = new Map<string, KnownServer>();
  const entries = Object.entries(given);
  if (entries.length > MAX_SERVERS) throw wrong("", `there may be ${MAX_SERVERS} of them`);
  for (const [name, server] of entries) {
    const read = readServer(name, server);
    const { identifier } = read;
    const other = servers.get(identifier);
    if (other !== undefined) throw wrong(name, `"${showText(other.name, MAX_NAME)}" is mcp.${identifier} already`);
    if (OWN_NAMES.has(identifier)) throw wrong(name, `mcp.${identifier} is something else, give it another name`);
    servers.set(identifier, read);
  }
  return servers;
}

/** What servers get that nobody is to read, and that they may show to scripts. */
export function secretsOfServers(servers: Readonly<Record<string, McpServer>> = {}): string[] {
  return Object.values(servers).flatMap((server) => {
    if ("command" in server) return secretOf(Object.entries(server.env ?? {}));
    const { password = "", searchParams } = URL.parse(server.url) ?? {};
    // A scheme such as Bearer stands before a key.
    const headers = Object.values(server.headers ?? {}).flatMap((text) => [text, text.replace(/^\S+ /, "")]);
    return [password, ...secretOf([...(searchParams ?? [])]), ...headers];
  });
}

function secretOf(named: readonly (readonly [name: string, value: string])[]): string[] {
  return named.filter(([name]) => SECRET_NAMES.test(name)).map(([, value]) => value);
}

/** Servers, and those of further names that can be given beside them. */
export function withNames(servers: readonly McpServerName[], names: readonly string[]): McpServerName[] {
  const known = new Map(servers.map((server) => [server.identifier, server]));
  for (const name of names) {
    const identifier = toIdentifier(name);
    const isFree = name !== "" && !known.has(identifier) && !OWN_NAMES.has(identifier);
    if (isFree && known.size < MAX_SERVERS) known.set(identifier, { name, identifier });
  }
  return [...known.values()];
}

function readServer(name: string, server: unknown): KnownServer {
  if (name === "" || name.length > MAX_NAME) throw wrong(name, `a name has 1 to ${MAX_NAME} characters`);
  if (!isObject(server)) throw wrong(name, "it must be an object");
  const fields = server;
  const isHttp = fields["url"] !== undefined;
  if (isHttp === (fields["command"] !== undefined)) throw wrong(name, "it has either a command or a url");
  const known = [...COMMON, ...(isHttp ? OF_HTTP : OF_STDIO)];
  for (const field of Object.keys(fields)) {
    if (known.includes(field)) continue;
    const close = closestName(field, known);
    throw wrong(name, `it has no field "${field}"${close === undefined ? "" : `; did you mean "${close}"?`}`);
  }
  const { timeoutMs = DEFAULT_TIMEOUT_MS, effect, missing } = fields;
  if (typeof timeoutMs !== "number" || !(timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS)) {
    throw wrong(name, "timeoutMs must be a positive number of milliseconds");
  }
  if (effect !== undefined && !EFFECTS.includes(effect)) throw wrong(name, 'effect must be "none", "keyed" or "once"');
  return {
    name,
    identifier: toIdentifier(name),
    timeoutMs,
    effect: effect as CallEffect | undefined,
    missing: typeof missing === "string" ? missing : undefined,
    way: isHttp ? readHttp(name, fields) : readStdio(name, fields),
  };
}

function readStdio(name: string, { command, args, env, cwd }: Record<string, unknown>): KnownServer["way"] {
  if (typeof command !== "string" || command === "") throw wrong(name, "command must be the name of a program");
  if (args !== undefined && !(Array.isArray(args) && args.every((arg) => typeof arg === "string"))) {
    throw wrong(name, "args must be a list of texts");
  }
  if (env !== undefined && !isTexts(env)) throw wrong(name, "env must hold texts");
  if (cwd !== undefined && typeof cwd !== "string") throw wrong(name, "cwd must be a folder");
  return {
    command,
    ...(args === undefined ? {} : { args }),
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
  };
}

function readHttp(name: string, { url, headers = {} }: Record<string, unknown>): KnownServer["way"] {
  const parsed = typeof url === "string" ? URL.parse(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) throw wrong(name, "url must be an http or https URL");
  if (!isTexts(headers)) throw wrong(name, "headers must hold texts");
  return { url: parsed, headers };
}

function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((item) => typeof item === "string");
}

function wrong(name: string, why: string): GeppettoError {
  const which = name === "" ? "MCP servers" : `the MCP server "${showText(name, MAX_NAME)}"`;
  return new GeppettoError("ConfigError", `Cannot give scripts ${which}: ${why}`);
}
