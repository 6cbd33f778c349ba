import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { scripted } from "../../mcp/run-mcp.ts";
import { runCli, ScriptFolder } from "../run-cli.ts";
import { shopTools, stdioClient } from "./mcp-fixture.ts";

const scripts = new ScriptFolder();
afterAll(() => scripts.remove());

const TOOLS = ["--isolation", "thread", "--tools", shopTools];

describe("geppetto-js mcp", () => {
  it("runs code with the functions of a module, and says what it came to, printed and used", async () => {
    await using test = await stdioClient(TOOLS);
    const result = await test.run('console.log("looks"); (await tools.orders.find({ id: 2 })).state');
    expect(result.content).toEqual([{ type: "text", text: "Output:\nlooks\nValue: sent" }]);
    expect(result.structuredContent).toMatchObject({ ok: true, value: "sent", usage: { toolCalls: 1 } });
    expect(result.isError).toBeUndefined();
    expect((await test.run("JSON.parse(input()).n", { input: { n: 5 } })).structuredContent).toMatchObject({
      value: 5,
    });
  });

  it("says what is wrong with code, for a model to mend it by", async () => {
    await using test = await stdioClient(TOOLS);
    const result = await test.run("\nawait tools.orders.find({ id: 'x' })");
    expect(result.isError).toBe(true);
    expect(result.content[0]!.text).toMatch(/TypeError \[ERR_TYPES\][^]*> 2 \| await tools/);
  });

  it("offers what finds functions, and their types as resources", async () => {
    await using test = await stdioClient(TOOLS);
    const { tools } = await test.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(["run_script", "search", "describe"]);
    expect(tools[0]!.description).toContain("refund(input: { amount: number }): Promise<string>");
    const call = async (name: string, args: Record<string, unknown>) =>
      (await test.client.callTool({ name, arguments: args })).content[0] as { text: string };
    expect((await call("search", { words: "money" })).text).toContain("tools.refund(");
    expect((await call("search", { words: "zebra" })).text).toBe("No function fits these words");
    expect((await call("describe", { name: "orders.find" })).text).toContain('"required":["id"]');
    const { resources } = await test.client.listResources();
    const texts = await Promise.all(resources.map(({ uri }) => test.client.readResource({ uri })));
    const [functions, globals] = texts.map(({ contents }) => (contents[0] as { text: string }).text);
    expect(functions).toContain("declare const tools: {");
    expect(globals).toContain("declare function done(");
  });

  it("keeps what code declares with --session, and not without", async () => {
    await using kept = await stdioClient(["--isolation", "thread", "--session"]);
    await kept.run("const mine = 5");
    expect((await kept.run("mine + 1")).structuredContent).toMatchObject({ value: 6 });
    await using fresh = await stdioClient(["--isolation", "thread"]);
    await fresh.run("const mine = 5");
    expect((await fresh.run("typeof mine")).structuredContent).toMatchObject({ value: "undefined" });
  });

  it("has the user asked before each call with --approve ask", async () => {
    const answer = (message: string) => ({ action: "accept" as const, content: { allow: message.includes("10}") } });
    await using test = await stdioClient([...TOOLS, "--approve", "ask"], { answer });
    const code =
      "const r = []; for (const amount of [10, 99]) r.push(await tools.refund({ amount }).catch((e) => e.code)); r";
    expect((await test.run(code)).structuredContent).toMatchObject({ value: ["paid back 10", "ERR_PERMISSION"] });
    expect(test.asked).toEqual([
      'May the code call refund with {"amount":10}?',
      'May the code call refund with {"amount":99}?',
    ]);
    await using mute = await stdioClient([...TOOLS, "--approve", "ask"]);
    expect((await mute.run(code)).structuredContent).toMatchObject({ value: ["ERR_PERMISSION", "ERR_PERMISSION"] });
  });

  it("says so where a question does not show all of a call, and shows what would be hidden", async () => {
    await using test = await stdioClient([...TOOLS, "--approve", "ask"], {
      answer: () => ({ action: "accept", content: { allow: false } }),
    });
    await test.run(
      `for (const note of ["x".repeat(3_000), "\\u202Eevil"]) { const input = { note, amount: 99 }; await tools.refund(input).catch(() => {}) }`,
    );
    expect(test.asked[0]).toMatch(/^May the code call refund with \{"note":"x{1991}… and 1,?0\d\d more characters\?$/);
    expect(test.asked[1]).toBe(String.raw`May the code call refund with {"note":"\u202eevil","amount":99}?`);
  });

  it("tells of what code does, and ends it when the client cancels", async () => {
    await using test = await stdioClient(["--isolation", "thread", "--session"]);
    const controller = new AbortController();
    const told: (string | undefined)[] = [];
    const running = test.client.callTool(
      {
        name: "run_script",
        arguments: { code: 'console.log("begins"); await new Promise((r) => setTimeout(r, 600_000))' },
      },
      {
        signal: controller.signal,
        onprogress({ message }) {
          told.push(message);
          controller.abort();
        },
      },
    );
    await expect(running).rejects.toThrow();
    expect(told).toEqual(["begins"]);
    // One runs at a time: that one has ended.
    expect((await test.run("1 + 1")).structuredContent).toMatchObject({ value: 2 });
  });

  it("bounds what each client's code may ask models for", async () => {
    await using test = await stdioClient(["--isolation", "thread", "--max-calls", "2"]);
    const code = "const r = []; for (let n = 0; n < 3; n++) r.push(await chat('echo: yes').catch((e) => e.code)); r";
    expect((await test.run(code)).structuredContent).toMatchObject({ value: ["yes", "yes", "ERR_LIMIT_CALLS"] });
    expect((await test.run(code)).structuredContent).toMatchObject({
      value: ["ERR_LIMIT_CALLS", "ERR_LIMIT_CALLS", "ERR_LIMIT_CALLS"],
    });
  });

  it("finds tools of the servers behind it that are allowed, and lets code call them", async () => {
    using folder = {
      path: mkdtempSync(join(tmpdir(), "geppetto-mcp-")),
      [Symbol.dispose]() {
        rmSync(this.path, { recursive: true });
      },
    };
    mkdirSync(join(folder.path, "geppetto-js"));
    writeFileSync(join(folder.path, "geppetto-js/config.yaml"), `mcp: ${JSON.stringify({ test: scripted("") })}\n`);
    const env = { XDG_CONFIG_HOME: folder.path };
    await using test = await stdioClient(["--isolation", "thread", "--allow-mcp=test"], { env });
    const call = async (name: string, args: Record<string, unknown>) =>
      (await test.client.callTool({ name, arguments: args })).content[0] as { text: string };
    expect((await call("search", { words: "add" })).text).toMatch(/^mcp\.test\.add\(args: .* \/\/ /);
    expect((await call("describe", { name: "mcp.test.add" })).text).toContain('"name":"test.add"');
    expect((await test.run("await mcp.test.add({ a: 1, b: 2 })")).structuredContent).toMatchObject({ value: "3" });
  });

  it("says what is wrong with its options, and how it exits then", async () => {
    expect(await runCli(["mcp", "--tools", "no.mjs"])).toMatchObject({
      code: 66,
      stderr: expect.stringContaining("no such file") as string,
    });
    const other = scripts.file("other.mjs", "export const functions = {};");
    expect(await runCli(["mcp", "--tools", other])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/: it exports none of tools, setup, types\n$/) as string,
    });
    expect(await runCli(["mcp", "--http", "--port", "x"])).toMatchObject({ code: 2 });
  });
});
