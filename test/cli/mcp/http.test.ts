import { request } from "node:http";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpClient, shopTools, startHttp, type TestServer } from "./mcp-fixture.ts";

const run = promisify(execFile);
const INITIALIZE = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } },
});

/** The server scenarios of `@modelcontextprotocol/conformance` about what is offered; docs/code-tool.md lists the others. */
const SCENARIOS = [
  "server-initialize",
  "ping",
  "tools-list",
  "resources-list",
  "server-sse-polling",
  "server-sse-multiple-streams",
  "dns-rebinding-protection",
];

let server: TestServer;
beforeAll(async () => {
  server = await startHttp(["--isolation", "thread", "--session", "--tools", shopTools]);
});
afterAll(() => server[Symbol.asyncDispose]());

/** The status of a request. `fetch` would not send a foreign host. */
function ask(
  path: string,
  headers: Record<string, string> = {},
  { method = "POST", body = INITIALIZE } = {},
): Promise<number> {
  const { port, hostname } = new URL(server.address);
  const all = { accept: "application/json, text/event-stream", "content-type": "application/json", ...headers };
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const asking = request({ hostname, port, path, method, headers: all }, (response) => {
    response.resume();
    response.once("end", () => resolve(response.statusCode!));
  });
  asking.once("error", reject).end(method === "POST" ? body : undefined);
  return promise;
}

describe("geppetto-js mcp --http", () => {
  it("gives each client a session of its own", async () => {
    await using one = await httpClient(server.address);
    await using other = await httpClient(server.address);
    await one.run("const mine = 5");
    expect((await one.run("mine")).structuredContent).toMatchObject({ value: 5 });
    expect((await other.run("typeof mine")).structuredContent).toMatchObject({ value: "undefined" });
    expect((await other.run("await tools.refund({ amount: 1 })")).structuredContent).toMatchObject({
      value: "paid back 1",
    });
  });

  it("asks, and tells of what code does, as over stdin", async () => {
    await using asking = await startHttp(["--isolation", "thread", "--approve", "ask", "--tools", shopTools]);
    await using test = await httpClient(asking.address, {
      answer: () => ({ action: "accept", content: { allow: true } }),
    });
    const told: unknown[] = [];
    const result = await test.client.callTool(
      { name: "run_script", arguments: { code: "await tools.refund({ amount: 7 })" } },
      { onprogress: ({ message }) => void told.push(message) },
    );
    expect(result.structuredContent).toMatchObject({ value: "paid back 7" });
    expect(test.asked).toHaveLength(1);
    expect(told[0]).toBe("calls refund");
  });

  it("answers only those who know the token, in the address or a header", async () => {
    const { pathname } = new URL(server.address);
    const token = pathname.split("/")[1]!;
    expect(await ask(pathname)).toBe(200);
    expect(await ask("/mcp", { authorization: `Bearer ${token}` })).toBe(200);
    expect(await ask("/mcp")).toBe(401);
    expect(await ask("/mcp", { authorization: "Bearer wrong" })).toBe(401);
    expect(await ask("/wrong/mcp")).toBe(404);
    expect(await ask("/")).toBe(404);
  });

  it("answers no foreign page, and under no foreign name", async () => {
    const { pathname, port } = new URL(server.address);
    expect(await ask(pathname, { host: `evil.example:${port}` })).toBe(403);
    expect(await ask(pathname, { host: "127.0.0.1:1" })).toBe(403);
    expect(await ask(pathname, { origin: "http://evil.example" })).toBe(403);
    expect(await ask(pathname, { origin: "null" })).toBe(403);
    expect(await ask(pathname, { host: `localhost:${port}`, origin: `http://localhost:${port}` })).toBe(200);
  });

  it("refuses what is too large, what belongs to no session, and what begins none", async () => {
    const { pathname } = new URL(server.address);
    const large = ask(pathname, {}, { body: `"${"x".repeat(4_100_000)}"` }).catch(({ code }: { code: string }) => code);
    // It is not read to its end.
    expect([413, "ECONNRESET", "EPIPE"]).toContain(await large);
    expect(await ask(pathname, { "mcp-session-id": "nobody" })).toBe(404);
    expect(await ask(pathname, {}, { method: "GET" })).toBe(400);
    expect(await ask(pathname, {}, { body: "nonsense" })).toBe(400);
  });

  it("forgets the code of a client that says goodbye, and takes no more clients than it has room for", async () => {
    await using small = await startHttp(["--isolation", "thread", "--session"]);
    const clients = await Promise.all(Array.from({ length: 32 }, () => httpClient(small.address)));
    await expect(httpClient(small.address)).rejects.toThrow();
    const [first] = clients;
    await (first!.client.transport as unknown as { terminateSession(): Promise<void> }).terminateSession();
    await using next = await httpClient(small.address);
    expect((await next.run("1 + 1")).structuredContent).toMatchObject({ value: 2 });
    await Promise.all(clients.map(({ client }) => client.close()));
  });

  it("ends at a signal with what runs", async () => {
    const ending = await startHttp(["--session"]);
    await using test = await httpClient(ending.address);
    const begun = Promise.withResolvers<void>();
    const code = 'console.log("begins"); await new Promise((resolve) => setTimeout(resolve, 600_000))';
    const running = test.client
      .callTool({ name: "run_script", arguments: { code } }, { onprogress: () => begun.resolve() })
      .catch(() => "lost");
    await begun.promise;
    await ending[Symbol.asyncDispose]();
    expect(ending.process.exitCode).toBe(0);
    await test.client.close();
    expect(await running).toBeDefined();
  });

  it.each(SCENARIOS)("passes the scenario %s of the protocol's conformance tests", async (scenario) => {
    const main = createRequire(import.meta.url).resolve("@modelcontextprotocol/conformance/package.json");
    const program = join(dirname(main), "dist/index.js");
    const { stdout } = await run(process.execPath, [
      program,
      "server",
      "--url",
      server.address,
      "--scenario",
      scenario,
    ]);
    expect(stdout).toMatch(/Failed: 0\/|0 failed/i);
  });
});
