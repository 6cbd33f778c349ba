import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { boundedFetch } from "../../src/mcp/messages/bounded-fetch.ts";
import { patience } from "../machine/patience.ts";
import { Traffic } from "../../src/mcp/messages/message-size.ts";

const CALLS = 30;
const BYTES = 6_000_000;
let server: Server;
/** Those that have been sent but for their ends. */
const waiting: (() => void)[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    const isEvents = request.url!.startsWith("/events");
    const type = isEvents ? "text/event-stream" : "application/json";
    response.writeHead(200, { "content-type": type });
    if (request.url!.endsWith("?large")) return response.end(`data: ${"x".repeat(2 * BYTES)}`);
    const text = `data: "${"x".repeat(BYTES)}`;
    response.write(isEvents ? text : text.slice(6), () => void waiting.push(() => response.end('"\n\n')));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe.each(["json", "events"])("answers of an MCP server that are large and do not end, as %s", (way) => {
  it("are kept a few at a time, and the others come when these have ended or were given up", async () => {
    waiting.length = 0;
    const traffic = new Traffic();
    for (let i = 0; i < CALLS; i++) traffic.noteRequest();
    const fetch = boundedFetch(traffic);
    const given = new AbortController();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${way}`;
    const come = Array.from({ length: CALLS }, () => 0);
    const texts = Array.from({ length: CALLS }, async (_, i) => {
      const response = await fetch(url, i % 2 === 0 ? {} : { signal: given.signal });
      for await (const bytes of response.body!) come[i]! += bytes.length;
    });
    const settled = Promise.allSettled(texts);
    const large = (bytes: number): number => come.filter((count) => count > bytes).length;
    await expect.poll(() => large(BYTES), { timeout: patience(60_000) }).toBe(8);
    // Each of the others would have come as far by now, or soon.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(large(2_000_000)).toBe(8);
    given.abort();
    const timer = setInterval(() => {
      for (const end of waiting.splice(0)) end();
    }, 10);
    const ends = await settled;
    clearInterval(timer);
    expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(CALLS / 2);
  });

  it("leave their places when they are too large", async () => {
    const traffic = new Traffic();
    for (let i = 0; i < CALLS; i++) traffic.noteRequest();
    const fetch = boundedFetch(traffic);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${way}?large`;
    for (let i = 0; i < 10; i++) await expect((await fetch(url)).text()).rejects.toThrow("maximum size");
  });
});
