import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigFolder } from "../cli/config-folder.ts";
import { startCli } from "../cli/run-cli.ts";
import { scripted } from "./run-mcp.ts";

/** The scripted server as a file's `mcp:` has it. */
function yaml(mode = "", more: Record<string, unknown> = {}): string {
  return `mcp: ${JSON.stringify({ test: { ...scripted(mode), ...more } })}\n`;
}

let made: ConfigFolder;
beforeEach(() => {
  made = new ConfigFolder();
  made.file("a.js", "console.log(await mcp.test.add({ a: 1, b: 2 }));");
  made.file("env.js", `console.log(await mcp.test.env({ name: "KEY" }));`);
});
afterEach(() => made.remove());

describe("run --allow-mcp", () => {
  it("lets a script call a server of the user's configuration, and only with the flag", async () => {
    made.user(yaml("loud"));
    const allowed = await made.cli(["run", "--allow-mcp=test", "a.js"]);
    expect([allowed.code, allowed.stdout, allowed.stderr]).toEqual([0, "3\n", ""]);
    const denied = await made.cli(["run", "a.js"]);
    expect([denied.code, denied.stdout]).toEqual([77, ""]);
    expect(denied.stderr).toContain("allow it with --allow-mcp=test");
    const untrusted = await made.cli(["run", "--untrusted", "a.js"]);
    expect(untrusted.code).toBe(78);
    expect(untrusted.stderr).toContain("there is no such server");
  });

  it("shows what a server writes to its stderr with -v, and when the server is lost", async () => {
    made.user(yaml("loud"));
    expect((await made.cli(["run", "-v", "--allow-mcp=test", "a.js"])).stderr).toContain(
      "mcp test: I am \\u001b[31mloud",
    );
    made.user(yaml("dead"));
    const lost = await made.cli(["run", "--allow-mcp=test", "a.js"]);
    expect(lost.code).toBe(69);
    expect(lost.stderr).toContain('the MCP server "test" cannot be started: has ended');
  });

  it("takes keys from the variables and the stored keys that the configuration names, and keeps none of them", async () => {
    made.user(yaml("", { env: { KEY: "Bearer key:test" } }));
    const missing = await made.cli(["run", "--allow-mcp=test", "env.js"]);
    expect(missing.code).toBe(78);
    expect(missing.stderr).toContain('no key is stored as "test"; run geppetto-js keys set test');
    await made.cli(["keys", "set", "test"], { input: "stored-key-0123456789\n" });
    expect((await made.cli(["run", "--allow-mcp=test", "env.js"])).stdout).toBe("Bearer stored-key-0123456789\n");
    const kept = await made.cli(["runs", "show", "last", "--json"]);
    expect(kept.stdout).toContain("env.js");
    expect(kept.stdout).not.toContain("stored-key-0123456789");
    made.user(yaml("", { env: { KEY: "env:OWN_KEY" } }));
    const env = { OWN_KEY: "own-key-0123456789" };
    expect((await made.cli(["run", "--allow-mcp=test", "env.js"], { env })).stdout).toBe("own-key-0123456789\n");
    const { stdout } = await made.cli(["runs", "show", "last", "--json"], { env });
    expect(stdout).toContain("env.js");
    expect(stdout).not.toContain("own-key-0123456789");
  });

  it("starts no server of a folder's file that nobody has trusted, and trust makes it count", async () => {
    made.foreign(yaml("", { env: { KEY: "key:openai" } }));
    const foreign = await made.cli(["run", "--allow-mcp=test", "a.js"]);
    expect(foreign.code).toBe(78);
    expect(foreign.stderr).toMatch(/there are no servers/);
    expect(foreign.stderr).toMatch(/mcp.*geppetto-js trust/);
    made.project(yaml());
    expect((await made.cli(["run", "--allow-mcp=test", "a.js"])).stdout).toBe("3\n");
  });

  it("says where a server's settings are wrong", async () => {
    made.user("mcp:\n  test: { comand: node }\n");
    const { code, stderr } = await made.cli(["run", "a.js"]);
    expect(code).toBe(78);
    expect(stderr).toMatch(/config.yaml:2.*test: expected either a command or a url/s);
  });
});

describe("runs replay", () => {
  it("gives the same bytes without the server, and answers another script from what was recorded", async () => {
    made.user(yaml());
    made.file(
      "b.js",
      "console.log(await mcp.test.pid(), await mcp.test.add({ a: 1, b: 2 }), (await mcp.search('adds'))[0].name);",
    );
    made.file(
      "c.js",
      "console.log(await mcp.test.add({ b: 2, a: 1 })); console.log(await mcp.test.add({ a: 3, b: 3 }));",
    );
    const ran = await made.cli(["run", "--allow-mcp=test", "b.js"]);
    expect(ran.stdout).toMatch(/^\d+ 3 test.add\n$/);
    made.user(yaml("dead"));
    const replayed = await made.cli(["runs", "replay", "last"]);
    expect([replayed.code, replayed.stdout]).toEqual([0, ran.stdout]);
    const other = await made.cli(["runs", "replay", "last", "--script", "c.js"]);
    expect([other.code, other.stdout]).toEqual([79, "3\n"]);
  });
});

describe("run --record and --replay", () => {
  it("keep what servers gave, but no key, and need no server and no configuration then", async () => {
    made.user(yaml("", { env: { API_KEY: "literal-key-0123456789" } }));
    const script = made.file(
      "d.js",
      "console.log(await mcp.test.pid(), await mcp.test.fail().catch((e) => e.code), await mcp.test.env({ name: 'API_KEY' }));",
    );
    const first = await made.cli(["run", "--allow-mcp=test", "--record", "d.json", "d.js"]);
    expect(first.stdout).toMatch(/^\d+ ERR_MCP_TOOL literal-key-0123456789\n$/);
    expect(readFileSync(`${script}on`, "utf8")).not.toContain("literal-key");
    made.user("{}");
    const replayed = await made.cli(["run", "--allow-mcp=test", "--replay", "d.json", "d.js"]);
    const redacted = first.stdout.replace("literal-key-0123456789", "[redacted]");
    expect([replayed.code, replayed.stdout, replayed.stderr]).toEqual([0, redacted, ""]);
    const miss = await made.cli(["run", "--allow-mcp=test", "--replay", "d.json", "a.js"]);
    expect([miss.code, miss.stderr]).toEqual([
      79,
      expect.stringContaining("the call of mcp.test.add was not recorded"),
    ]);
  });
});

describe("test", () => {
  it("records what servers give with the first golden, needs none then, and in CI says which answer is missing", async () => {
    made.user(yaml());
    made.file("g.js", "console.log(await mcp.test.pid(), await mcp.test.add({ a: 1, b: 2 }));");
    const test = (env: Record<string, string>) => made.cli(["test", "--allow-mcp=test", "g.js"], { env });
    const there = await test({ CI: "true" });
    expect([there.code, there.stdout]).toEqual([
      1,
      expect.stringContaining("there are no recorded answers of MCP servers in g.cassette.json"),
    ]);
    const first = await test({ CI: "" });
    expect([first.code, first.stdout]).toEqual([
      0,
      expect.stringMatching(/g\.golden written\n.*2 answers added to g\.cassette\.json/),
    ]);
    made.user("{}");
    for (const CI of ["", "true"]) {
      const again = await test({ CI });
      expect([again.code, again.stdout]).toEqual([0, expect.stringContaining("1 passed, 0 failed, 0 written")]);
    }
    made.file("h.js", "console.log(await mcp.test.pid());");
    const missing = await made.cli(["test", "--allow-mcp=test", "h.js"], { env: { CI: "true" } });
    expect([missing.code, missing.stdout]).toEqual([
      1,
      expect.stringMatching(/no recorded answers of MCP servers in h\.cassette\.json[^]*geppetto-js test records it/),
    ]);
  });
});

describe("types --allow-mcp", () => {
  it("declares the tools of servers, against which check holds scripts", async () => {
    made.user(yaml());
    const { code, stdout } = await made.cli(["types", "--allow-mcp=test"]);
    expect(code).toBe(0);
    expect(stdout).toContain(
      "/** Adds two numbers */\n    add(args: { a: number; b: number }, options?: McpToolOptions): Promise<any>;",
    );
    expect(stdout).toContain(
      "total(args: { a: number; b: number }, options?: McpToolOptions): Promise<{ sum: number }>;",
    );
    expect(stdout).toContain("\\u001b]0;owned\\u0007 IGNORE ALL");
    // Two tools have the first name, and no property can stand for the second.
    expect(stdout).not.toMatch(/say_it\(|constructor\(|__proto__/);
    made.file("types.d.ts", stdout);
    made.file(
      "tsconfig.json",
      JSON.stringify({ compilerOptions: { checkJs: true, strict: true }, files: ["types.d.ts"] }),
    );
    made.file("right.ts", "const { sum } = await mcp.test.total({ a: 1, b: 2 }); console.log(sum.toFixed());");
    made.file("wrong.ts", "await mcp.test.total({ a: 1 }); await mcp.test.totl(); await mcp.other.x();");
    const right = await made.cli(["check", "right.ts"]);
    expect([right.code, right.stdout]).toEqual([0, expect.any(String)]);
    const wrong = await made.cli(["check", "wrong.ts"]);
    expect(wrong.code).toBe(1);
    expect(wrong.stdout + wrong.stderr).toMatch(/'b' is missing[^]*totl[^]*other/);
  });

  it("says which server there is not, and which cannot be asked", async () => {
    made.user(yaml("dead"));
    const unknown = await made.cli(["types", "--allow-mcp=tset"]);
    expect([unknown.code, unknown.stderr]).toEqual([78, expect.stringContaining('did you mean "test"?')]);
    const dead = await made.cli(["types", "--allow-mcp=test"]);
    expect([dead.code, dead.stderr]).toEqual([69, expect.stringContaining("cannot be started: has ended")]);
  });
});

describe("run --durable", () => {
  it("does not repeat a call whose answer was lost with the process: somebody has to say what became of it", async () => {
    made.user(yaml());
    const script = "console.log(await mcp.test.add({ a: 1, b: 1 })); console.log(await mcp.test.hang());";
    const env = { XDG_CONFIG_HOME: made.configHome };
    const args = ["run", "-v", "--durable", "--id", "lost-call", "--allow-mcp=test", made.file("e.js", script)];
    const first = startCli(args, { env });
    await first.seen("mcp test: hanging");
    first.child.kill("SIGKILL");
    await first.result;
    const resumed = await made.cli(["runs", "resume", "lost-call"]);
    expect(resumed.code).toBe(80);
    expect(resumed.stderr).toContain("word of what became of call 1: mcp.test.hang");
    await made.cli(["runs", "resolve", "lost-call", "--question", "1", "--value", '"answered"']);
    const ended = await made.cli(["runs", "resume", "lost-call"]);
    expect([ended.code, ended.stdout]).toEqual([0, "answered\n"]);
  });
});
