import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { McpServer, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import { reasonOf } from "../../files.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { HttpGuard } from "./http-guard.ts";
import type { McpSdk } from "./load-mcp-sdk.ts";
import { sendWebResponse, toWebRequest } from "./web-request.ts";

/** Most clients at a time, and how long one may say nothing, in milliseconds. */
const MAX_CLIENTS = 32;
const IDLE_MS = 1_800_000;
const REQUEST_MS = 30_000;
const MAX_CONNECTIONS = 256;
const MAX_BODY_BYTES = 4_000_000;

/** A server of one client, and what ends with it. */
export interface ClientServer {
  server: McpServer;
  close(): Promise<void>;
}

interface Client extends ClientServer {
  transport: WebStandardStreamableHTTPServerTransport;
  idle: NodeJS.Timeout;
  /** Requests that are being answered. */
  busy: number;
}

export interface McpHttpOptions {
  sdk: McpSdk;
  /** Default 0: one that is free. */
  port?: number;
  /** Makes a server for a client that has come. */
  serve(): ClientServer;
}

/** Serves MCP over Streamable HTTP on the loopback interface: each client has a session of the protocol's, and its own server. */
export class McpHttpServer {
  readonly #guard: HttpGuard = new HttpGuard();
  readonly #clients = new Map<string, Client>();
  readonly #options: McpHttpOptions;
  readonly #http: Server;
  #coming = 0;

  constructor(options: McpHttpOptions) {
    this.#options = options;
    this.#http = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    this.#http.maxConnections = MAX_CONNECTIONS;
  }

  /** Where it can be asked, with its token. */
  get address(): string {
    return this.#guard.address;
  }

  /** @throws {UsageError} where the port is taken. */
  async listen(): Promise<void> {
    const { port = 0 } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#http.once("error", (error) => {
      const why = reasonOf(error) === "EADDRINUSE" ? "another program listens there" : reasonOf(error);
      reject(new UsageError(`Cannot listen on port ${port}: ${why}`, EXIT.config));
    });
    this.#http.listen(port, "127.0.0.1", resolve);
    await promise;
    this.#guard.port = (this.#http.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#http.close();
    await Promise.all([...this.#clients.keys()].map((id) => this.#forget(id)));
    this.#http.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refused = this.#guard.refusal(request);
    if (refused !== undefined) return refuse(response, refused);
    if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) return refuse(response, 413);
    const id = request.headers["mcp-session-id"];
    const known = typeof id === "string" ? this.#clients.get(id) : undefined;
    if (typeof id === "string" && known === undefined) return refuse(response, 404);
    const client = known ?? (await this.#welcome(request, response));
    if (client === undefined) return;
    client.busy++;
    clearTimeout(client.idle);
    try {
      // The token is for this server alone.
      const url = `http://127.0.0.1:${this.#guard.port}/mcp`;
      await sendWebResponse(await client.transport.handleRequest(toWebRequest(request, response, url)), response);
    } finally {
      client.busy--;
      const { sessionId } = client.transport;
      if (sessionId === undefined) await client.close();
      else if (client.busy === 0 && this.#clients.has(sessionId)) {
        client.idle = setTimeout(() => void this.#forget(sessionId), IDLE_MS).unref();
      }
    }
  }

  /** Only what begins a session comes without one. */
  async #welcome(request: IncomingMessage, response: ServerResponse): Promise<Client | undefined> {
    if (request.method !== "POST") {
      refuse(response, 400);
      return undefined;
    }
    if (this.#clients.size + this.#coming >= MAX_CLIENTS) {
      refuse(response, 503);
      return undefined;
    }
    this.#coming++;
    const { sdk, serve } = this.#options;
    const { server, close } = serve();
    const transport: WebStandardStreamableHTTPServerTransport = new sdk.WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      maxRequestBodySize: MAX_BODY_BYTES,
      onsessioninitialized: (id) => void this.#clients.set(id, client),
      onsessionclosed: (id) => this.#forget(id),
    });
    const client: Client = { server, close, transport, busy: 0, idle: setTimeout(() => {}).unref() };
    try {
      await server.connect(transport);
    } finally {
      this.#coming--;
    }
    return client;
  }

  async #forget(id: string): Promise<void> {
    const client = this.#clients.get(id);
    if (client === undefined) return;
    this.#clients.delete(id);
    clearTimeout(client.idle);
    await client.close();
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad request: begin with initialize",
  401: "Unauthorized: the token is in the address that the server has printed",
  403: "Forbidden: ask 127.0.0.1, and from no page of another origin",
  404: "Not found",
  413: "Too large",
  503: "Too many clients",
};

function refuse(response: ServerResponse, status: number): void {
  const error = { code: -32_000, message: REASONS[status] };
  response
    .writeHead(status, { "content-type": "application/json", connection: "close" })
    .end(JSON.stringify({ jsonrpc: "2.0", error, id: null }));
}
