import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HttpServer } from "../../src/index.ts";
import { mcpValue } from "./run-mcp.ts";

let http: Server;
let url: string;
const seen: IncomingHttpHeaders[] = [];

const big = { description: "Sends so many bytes", inputSchema: { type: "object" } };

/** Answers as a server of Streamable HTTP does that gives each answer at once, or as a stream of one event. */
function answer({ method, params }: { method: string; params?: Record<string, unknown> }): object {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: params!["protocolVersion"],
        capabilities: { tools: {} },
        serverInfo: { name: "http", version: "1" },
      };
    case "tools/list":
      return { tools: ["big", "streamed", "gone", "hello"].map((name) => ({ name, ...big })) };
    default: {
      const { bytes = 5 } = (params!["arguments"] ?? {}) as { bytes?: number };
      return { content: [{ type: "text", text: "x".repeat(bytes) }] };
    }
  }
}

beforeAll(async () => {
  http = createServer((request, response) => {
    seen.push(request.headers);
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      if (request.method !== "POST") return response.writeHead(405).end();
      const message = JSON.parse(body) as { id?: number; method: string; params?: { name?: string } };
      if (message.method === "server/discover") {
        const error = { code: -32_601, message: "unknown" };
        return response
          .setHeader("content-type", "application/json")
          .end(JSON.stringify({ jsonrpc: "2.0", id: message.id, error }));
      }
      if (message.id === undefined) return response.writeHead(202).end();
      if (message.params?.name === "gone") return response.destroy();
      const text = JSON.stringify({ jsonrpc: "2.0", id: message.id, result: answer(message) });
      if (message.params?.name !== "streamed") return response.setHeader("content-type", "application/json").end(text);
      return response.setHeader("content-type", "text/event-stream").end(`event: message\ndata: ${text}\n\n`);
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => http.once("listening", resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
});
afterAll(() => {
  http.closeAllConnections();
  http.close();
});

const run = (code: string, more: Partial<HttpServer> = {}): Promise<unknown> =>
  mcpValue(code, { servers: { test: { url, ...more } } });

describe("a server of Streamable HTTP", () => {
  it("is asked with the headers that it is given", async () => {
    const headers = { Authorization: "Bearer a-key" };
    expect(await run(`export default [await mcp.test.hello(), await mcp.test.streamed()]`, { headers })).toEqual([
      "xxxxx",
      "xxxxx",
    ]);
    expect(seen.every(({ authorization }) => authorization === "Bearer a-key")).toBe(true);
  });

  it.each(["big", "streamed"])("that gives too much at once, as %s, fails that call", async (tool) => {
    const code = `export default [await rejection(mcp.test.${tool}({ bytes: 50_000_000 })), (await mcp.test.${tool}({ bytes: 100_000 })).length]`;
    expect(await run(code)).toEqual([
      ["StepError", "ERR_MCP_SERVER", expect.stringContaining("more than 10000000 bytes")],
      100_000,
    ]);
  });

  it("that breaks off fails that call", async () => {
    const code = `export default [(await rejection(mcp.test.gone())).slice(0, 2), await mcp.test.hello()]`;
    expect(await run(code)).toEqual([["StepError", "ERR_MCP_SERVER"], "xxxxx"]);
  });

  it("that nobody serves is an error that says so, without the host's paths", async () => {
    const value = await mcpValue(`export default await rejection(mcp.test.hello())`, {
      servers: { test: { url: "http://127.0.0.1:9/mcp" } },
    });
    expect(value).toEqual(["StepError", "ERR_MCP_SERVER", expect.stringContaining("cannot be started: ")]);
  });
});
