import { abortable } from "../../src/base/abortable.ts";
import { callWith } from "../../src/base/call-context.ts";
import { askOutside, currentOutside, valuesFromOutside, type CallEffect } from "../../src/base/calls/outside.ts";
import { landedValues, timeSource } from "../../src/base/time/time-source.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { parseFields } from "../../src/engine/guest-messages.ts";
import { nameError } from "../../src/mcp/mcp-error.ts";
import type { CallPart, McpQuestion, McpServerName, McpSource, McpToolCall } from "../../src/mcp/mcp-source.ts";
import { cutText, showText } from "../../src/mcp/untrusted-text.ts";
import type { McpKind } from "../../src/shared/contract/ops.ts";
import type { McpCall } from "../../src/shared/contract/runs.ts";
import { GeppettoError } from "../../src/shared/errors.ts";
import type { ApproveCall } from "../../src/steps/chat-tools.ts";
import type { StepContext } from "../../src/steps/step.ts";
import { isObject } from "../../src/shared/is-object.ts";

/** Longest name that is told of, in characters. */
const MAX_SHOWN = 200;
const KINDS: readonly unknown[] = ["tools", "resources", "templates", "prompts"] satisfies McpKind[];

export interface McpServiceOptions {
  source: McpSource;
  servers: readonly McpServerName[];
  onApprove?: ApproveCall | undefined;
}

/** What the scripts of one engine ask of MCP servers. What comes from a script is parsed here, and judged. */
export class McpService {
  readonly #engine: Engine;
  readonly #options: McpServiceOptions;
  /** By their identifiers. */
  readonly #servers: ReadonlyMap<unknown, McpServerName>;

  constructor(engine: Engine, options: McpServiceOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#servers = new Map(options.servers.map((server) => [server.identifier, server]));
  }

  /** A tool call, as the parts that come of it. */
  async *call(input: unknown, { runId, signal, publish }: StepContext): AsyncGenerator {
    const given = parseCall(input);
    const { recorded } = this.#engine;
    if (recorded !== undefined) return yield recorded.toolCall(input);
    const { source } = this.#options;
    const { name, identifier } = this.#server(given.server);
    await this.#approve(given, runId, signal);
    const call: McpToolCall = { ...given, server: name };
    const asked = {
      name: `mcp.${identifier}.${cutText(given.tool, MAX_SHOWN)}`,
      effect: await this.#effectOf(call, signal),
      args: [name, given.tool, given.args],
      signal,
      toItem: (value: unknown): CallPart => ({ result: value }),
    };
    const place = timeSource().place();
    const open = (): AsyncIterable<CallPart> => landedValues(source.call(call, signal), signal, place);
    for await (const part of valuesFromOutside(asked, open)) {
      if ("type" in part) await publish(part);
      else yield part.result;
    }
  }

  /** Of interest to an execution that lasts alone, which keeps it: a server may change what it says of its tools. */
  async #effectOf(call: McpToolCall, signal: AbortSignal): Promise<CallEffect> {
    if (currentOutside() === undefined) return "once";
    const name = `what mcp.${cutText(call.server, MAX_SHOWN)} says of ${cutText(call.tool, MAX_SHOWN)}`;
    return askOutside({ name, effect: "none", signal }, () => this.#options.source.effectOf(call, signal));
  }

  async #approve({ server, tool, args }: McpCall, id: string, signal: AbortSignal): Promise<void> {
    const { onApprove } = this.#options;
    if (onApprove === undefined) return;
    const name = `${server}.${cutText(tool, MAX_SHOWN)}`;
    const asked = { name: `the approval of mcp.${name}`, effect: "none", signal } as const;
    const ask = async (): Promise<boolean> => {
      // A host app may give anything: only a plain yes is one.
      const said: unknown = await onApprove({ id, name, input: structuredClone(args) }, callWith(signal));
      return said === true;
    };
    if (await abortable(askOutside(asked, ask), signal)) return;
    throw new GeppettoError(
      "PermissionError",
      `Cannot call mcp.${showText(name, MAX_SHOWN)}: the call was not approved`,
    );
  }

  list(args: unknown, signal: AbortSignal): Promise<unknown[]> {
    const { server, kind } = parseFields(args);
    if (!KINDS.includes(kind)) throw malformed();
    return this.#ask({ kind: "list", server: this.#server(server).name, list: kind as McpKind }, signal);
  }

  read(args: unknown, signal: AbortSignal): Promise<unknown[]> {
    const { server, uri } = parseFields(args);
    const { name } = this.#server(server);
    if (typeof uri !== "string") throw malformed();
    return this.#ask({ kind: "read", server: name, uri }, signal);
  }

  prompt(args: unknown, signal: AbortSignal): Promise<unknown> {
    const { server, name, args: given } = parseFields(args);
    const { name: known, identifier } = this.#server(server);
    if (typeof name !== "string") throw malformed();
    if (!isTexts(given)) {
      const what = `get the prompt ${showText(name, MAX_SHOWN)} of mcp.${identifier}`;
      throw new GeppettoError("ValidationError", `Cannot ${what}: its arguments must be texts, by name`);
    }
    return this.#ask({ kind: "prompt", server: known, name, args: given }, signal);
  }

  search(args: unknown, signal: AbortSignal): Promise<unknown[]> {
    const { words, limit } = parseFields(args);
    if (typeof words !== "string") throw malformed();
    const servers = [...this.#servers.values()].map(({ name }) => name);
    const allowed = servers.filter((name) => this.#engine.permissions.allowsMcp(name));
    const most = typeof limit === "number" ? { limit } : {};
    return this.#ask({ kind: "search", servers: allowed, words, ...most }, signal);
  }

  describe(args: unknown, signal: AbortSignal): Promise<unknown> {
    const { name } = parseFields(args);
    if (typeof name !== "string") throw malformed();
    const [server = "", ...rest] = name.split(".");
    if (rest.length === 0) {
      const what = `describe ${showText(name, MAX_SHOWN)}`;
      throw nameError(what, `a tool's name is "server.tool"; mcp.search finds tools`);
    }
    return this.#ask({ kind: "describe", server: this.#server(server).name, tool: rest.join(".") }, signal);
  }

  /** Asked once more where an execution that lasts has lost the answer: it changes nothing. */
  #ask<T>(question: McpQuestion, signal: AbortSignal): Promise<T> {
    const asked = { name: `mcp ${question.kind}`, effect: "none", signal } as const;
    return askOutside(asked, () => this.#options.source.ask(question, signal)) as Promise<T>;
  }

  /** @throws {GeppettoError} PermissionError that names the flag. */
  #server(identifier: unknown): McpServerName {
    const server = this.#servers.get(identifier);
    if (server === undefined) {
      throw nameError(`use mcp.${showText(String(identifier), MAX_SHOWN)}`, "there is no such server");
    }
    this.#engine.permissions.checkMcp(server.name);
    return server;
  }
}

function malformed(): GeppettoError {
  return new GeppettoError("ValidationError", "Cannot ask an MCP server: the request is malformed");
}

function parseCall(input: unknown): McpCall {
  const { server, tool, isExact, args } = parseFields(input);
  if (typeof server !== "string" || typeof tool !== "string") throw malformed();
  if (!isObject(args)) {
    const what = `call mcp.${showText(server, MAX_SHOWN)}.${showText(tool, MAX_SHOWN)}`;
    throw new GeppettoError("ValidationError", `Cannot ${what}: its arguments must be an object`);
  }
  return { server, tool, isExact: isExact === true, args };
}

function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((item) => typeof item === "string");
}
