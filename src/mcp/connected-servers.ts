import type { CallEffect } from "../base/calls/outside.ts";
import type { GeppettoError } from "../shared/errors.ts";
import { callTool } from "./call-tool.ts";
import type { Connection } from "./connection.ts";
import { chatTools, describeTool, searchTools } from "./describe-tools.ts";
import { nameError } from "./mcp-error.ts";
import type { CallPart, McpQuestion, McpServerName, McpSource, McpToolCall } from "./mcp-source.ts";
import { getPrompt, listOf, readResource } from "./server-lists.ts";
import type { KnownServer } from "./server-settings.ts";
import type { ToolList } from "./tool-list.ts";
import { showText } from "./untrusted-text.ts";

export interface ConnectedServersOptions {
  servers: Iterable<KnownServer>;
  /** The connection to a server, for whoever asks now. */
  connect(server: KnownServer): Connection;
  /** Whose schemas are checked. */
  owner: object;
  /** A server that was to be searched cannot be asked. */
  onUnsearched(server: string, reason: string): void;
}

/** Longest text of a script's that errors show, in characters. */
const MAX_SHOWN = 200;

/** The servers themselves. */
export class ConnectedServers implements McpSource {
  readonly servers: readonly McpServerName[];
  readonly #options: ConnectedServersOptions;
  readonly #known: ReadonlyMap<string, KnownServer>;

  constructor(options: ConnectedServersOptions) {
    this.#options = options;
    const servers = [...options.servers];
    this.servers = servers.map(({ name, identifier }) => ({ name, identifier }));
    this.#known = new Map(servers.map((server) => [server.name, server]));
  }

  call({ server, ...call }: McpToolCall, signal: AbortSignal): AsyncIterable<CallPart> {
    return callTool(this.#connection(server), { ...call, owner: this.#options.owner }, signal);
  }

  async effectOf({ server, tool, isExact }: McpToolCall, signal: AbortSignal): Promise<CallEffect> {
    const connection = this.#connection(server);
    const { effect, identifier } = connection.server;
    if (effect !== undefined) return effect;
    const what = `call mcp.${identifier}.${showText(tool, MAX_SHOWN)}`;
    return (await connection.tools(what, signal)).find(tool, isExact).effect;
  }

  async ask(question: McpQuestion, signal: AbortSignal): Promise<unknown> {
    if (question.kind === "search") return this.#search(question, signal);
    const connection = this.#connection(question.server);
    const { identifier } = connection.server;
    switch (question.kind) {
      case "list": {
        const what = `list the ${question.list} of mcp.${identifier}`;
        if (question.list === "tools") return chatTools(identifier, await connection.tools(what, signal));
        return listOf(connection, question.list, { what, signal });
      }
      case "read": {
        const { uri } = question;
        return readResource(connection, uri, { what: `read ${shown(uri)} of mcp.${identifier}`, signal });
      }
      case "prompt": {
        const what = `get the prompt ${shown(question.name)} of mcp.${identifier}`;
        return getPrompt(connection, question.name, question.args, { what, signal });
      }
      case "describe": {
        const list = await connection.tools(`describe ${identifier}.${shown(question.tool)}`, signal);
        return describeTool(identifier, list.find(question.tool, false));
      }
    }
  }

  /** Servers that cannot be asked are left out. */
  async #search({ servers, words, limit }: McpQuestion & { kind: "search" }, signal: AbortSignal): Promise<unknown[]> {
    const lists = await Promise.all(servers.map((server) => this.#toolsOf(server, signal)));
    return searchTools(
      lists.filter((list) => list !== undefined),
      words,
      limit,
    );
  }

  async #toolsOf(name: string, signal: AbortSignal): Promise<readonly [string, ToolList] | undefined> {
    try {
      const connection = this.#connection(name);
      return [connection.server.identifier, await connection.tools("search for tools", signal)];
    } catch (error) {
      signal.throwIfAborted();
      if ((error as GeppettoError).code === "ERR_MISSING_PACKAGE") throw error;
      this.#options.onUnsearched(name, (error as Error).message);
      return undefined;
    }
  }

  #connection(name: string): Connection {
    const server = this.#known.get(name);
    // One that only recordings know.
    if (server === undefined) {
      throw nameError(`use mcp.${shown(name)}`, "there is no such server; the configuration or the host names them");
    }
    return this.#options.connect(server);
  }
}

function shown(text: string): string {
  return showText(text, MAX_SHOWN);
}
