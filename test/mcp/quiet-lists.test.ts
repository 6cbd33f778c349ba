import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { mcpValue } from "./run-mcp.ts";

/** Tools that the protocol's package leaves out, and says so in their words. */
const BAD = Array.from({ length: 500 }, (_, i) => ({
  name: `\u001B]0;owned${i}\u0007`,
  inputSchema: { type: "object", properties: { a: { type: "string", "x-mcp-header": "\u001B[2J" } } },
}));
const RESULTS: Record<string, object> = {
  "server/discover": { supportedVersions: ["2026-07-28"], capabilities: { tools: {} } },
  "tools/list": { tools: [...BAD, { name: "act", inputSchema: { type: "object" } }] },
  "tools/call": { content: [{ type: "text", text: "done" }] },
};

let server: Server;
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      if (request.method !== "POST") return response.writeHead(405).end();
      const { id, method } = JSON.parse(body) as { id?: number; method: string };
      if (id === undefined) return response.writeHead(202).end();
      const result = { resultType: "complete", ttlMs: 0, cacheScope: "private", ...RESULTS[method] };
      return response.setHeader("content-type", "application/json").end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe("a server of the newest protocol", () => {
  it("that has tools which may not be called writes nothing to the host's terminal", async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const lines: string[] = [];
    try {
      const got = await mcpValue(`export default await mcp.test.act()`, {
        servers: { test: { url } },
        onServerOutput: (_, line) => lines.push(line),
      });
      expect(got).toBe("done");
      expect(warn.mock.calls).toEqual([]);
    } finally {
      warn.mockRestore();
    }
    expect(lines).toHaveLength(21);
    expect(lines[0]).toContain(String.raw`\u001b]0;owned0\u0007`);
    expect(lines.join("")).not.toMatch(/\p{Cc}/u);
  });
});
