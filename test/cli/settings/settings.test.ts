import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ScriptedServer, startScriptedServer } from "../../chat/scripted-server.ts";
import { ConfigFolder } from "../config-folder.ts";
import { runCli } from "../run-cli.ts";

const folder = new ConfigFolder();
let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
  server.play({ text: "fine" });
  const { baseURL } = server.settings;
  folder.user("chat: { topP: 0.1, seed: 1 }");
  folder.project(`default: local
profiles:
  local: { chat: { provider: embedded, deltaMs: 0 } }
  base: { limits: { timeout: 50s, memory: 64MB }, retry: { attempts: 1 } }
  work:
    extends: base
    chat: { provider: openai, model: scripted, baseURL: "${baseURL}", apiKey: env:WORK_KEY, temperature: 0.5, maxTokens: 100 }
chat: { seed: 2, stop: [x] }
prices: { "scripted*": { input: 1000, output: 5000 } }
`);
});
afterAll(async () => {
  await server.close();
  folder.remove();
});

const ask = folder.file("ask.js", `console.log(await chat("hello"))`);
const asked = (): Record<string, unknown> => server.bodies.at(-1)!;
const env = { WORK_KEY: "key-of-work", OPENAI_API_KEY: undefined };

describe("the settings of run", () => {
  it("come from the default profile of geppetto.yaml where nothing else is said", async () => {
    const { code, stderr } = await folder.cli(["run", "-v", ask]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^ask\.js: embedded:demo of profile local, process isolation, 128 MB, 10 min\n/);
  });

  it("come from the profile that --profile names, with what it extends", async () => {
    const { code, stdout, stderr } = await folder.cli(["run", "-v", "-p", "work", ask], { env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "fine\n" });
    expect(stderr).toMatch(/^ask\.js: openai:scripted of profile work, process isolation, 64 MB, 50 s\n/);
    expect(asked()).toMatchObject({ model: "scripted", temperature: 0.5, max_tokens: 100, top_p: 0.1, seed: 2 });
  });

  it("come from flags over the environment over the script over geppetto.yaml over the user's own over the profile", async () => {
    const script = folder.file(
      "says.js",
      `export const options = { chat: { seed: 3, stop: ["y"], temperature: 0.3, maxTokens: 30 } };
      console.log(await chat("hello"));`,
    );
    const said = { GEPPETTO_PROFILE: "work", GEPPETTO_CHAT_TEMPERATURE: "0.4", GEPPETTO_CHAT_MAX_TOKENS: "40" };
    const { code } = await folder.cli(["run", "--set", "chat.maxTokens=50", script], { env: { ...env, ...said } });
    expect(code).toBe(0);
    expect(asked()).toMatchObject({ top_p: 0.1, seed: 3, stop: ["y"], temperature: 0.4, max_tokens: 50 });
  });

  it("count in that order for limits too, which a script only tightens", async () => {
    const script = folder.file(
      "tight.js",
      `export const options = { limits: { timeout: "20s", memory: "4GB" } }; console.log("ran")`,
    );
    const first = async (args: string[], more: Record<string, string> = {}): Promise<string> =>
      (await folder.cli(["run", "-v", ...args, script], { env: { ...env, ...more } })).stderr.split("\n")[0]!;
    expect(await first([])).toMatch(/128 MB, 20 s$/);
    expect(await first(["--timeout", "30s", "--memory", "32MB"])).toMatch(/32 MB, 20 s$/);
    expect(await first(["--timeout", "5s"])).toMatch(/128 MB, 5 s$/);
    expect(await first([], { GEPPETTO_TIMEOUT: "4s" })).toMatch(/128 MB, 4 s$/);
    expect(await first(["--set", "limits.timeout=3s"], { GEPPETTO_TIMEOUT: "4s" })).toMatch(/, 3 s$/);
    expect(await first(["--timeout", "2s", "--set", "limits.timeout=3s"])).toMatch(/, 2 s$/);
  });

  it("hold for eval as well", async () => {
    expect(await folder.cli(["eval", "-p", "work", `chat("hello")`], { env })).toMatchObject({ stdout: "fine\n" });
  });

  it("give a model alone to the provider in use, and refuse one where there is none", async () => {
    expect((await folder.cli(["run", "-p", "work", "-m", "llama3:8b", ask], { env })).code).toBe(0);
    expect(asked()["model"]).toBe("llama3:8b");
    const { code, stderr } = await folder.cli(["run", "-m", "gpt-5-mini", ask]);
    expect(code).toBe(78);
    expect(stderr).toBe(
      `error [ERR_CONFIG_VALUE]: Cannot use --model: the embedded provider has no model "gpt-5-mini", name its provider, as openai:gpt-5-mini\n`,
    );
  });

  it("bound a tool call", async () => {
    const script = folder.file(
      "slow-tool.js",
      `const slow = { name: "slow", run: () => new Promise((resolve) => setTimeout(resolve, 20_000)) };
      for await (const event of new ChatStepFactory().newStep({ tools: [slow] }).events("call: slow {}"))
        if (event.type === "tool-result") done(JSON.stringify(event.toolResult));`,
    );
    const { code, stdout } = await folder.cli(["run", "--set", "tools.timeoutMs=80", script]);
    expect(code).toBe(0);
    expect(stdout).toContain("the tool did not answer within 80 ms");
  });

  it("can say where the script runs", async () => {
    const { stderr } = await folder.cli(["run", "-v", ask], { env: { GEPPETTO_ISOLATION: "thread" } });
    expect(stderr).toMatch(/^ask\.js: .*, thread isolation,/);
  });

  it("are kept for a replay from the log, without keys and addresses", async () => {
    const script = folder.file(
      "replayed.js",
      `export const options = { chat: { system: "Be brief." } }; console.log(await chat("hello"))`,
    );
    expect((await folder.cli(["run", "-p", "work", script], { env })).code).toBe(0);
    const requests = server.bodies.length;
    const exported = (await folder.cli(["runs", "export", "last"], { env })).stdout;
    expect(exported).toContain("Be brief.");
    expect(exported).not.toContain("WORK_KEY");
    expect(exported).not.toContain(server.settings.baseURL!);
    const replayed = await runCli(["runs", "replay", "last"]);
    expect(replayed).toMatchObject({ code: 0, stdout: "fine\n" });
    expect(server.bodies.length).toBe(requests);
    expect((await folder.cli(["runs", "show", "last"])).stdout).toMatch(/profile +work\nmodel +openai:scripted\n/);
  });
});

it("a run that was kept with other limits is replayed with the defaults of those that it lacks", async () => {
  const log = { GEPPETTO_LOG: folder.file("kept.db", "") };
  await folder.cli(["eval", "--memory", "64MB", "6*7"], { env: log });
  const database = new DatabaseSync(log.GEPPETTO_LOG);
  database.exec(
    "UPDATE runs SET details = json_remove(json_set(details, '$.settings.limits.old', 1), '$.settings.limits.wallMs', '$.settings.tools')",
  );
  database.close();
  const { code, stdout, stderr } = await folder.cli(["runs", "replay", "-v", "last"], { env: log });
  expect({ code, stdout }).toEqual({ code: 0, stdout: "42\n" });
  expect(stderr).toMatch(/^eval: embedded:demo of profile local, process isolation, 64 MB, 10 min\n/);
});

describe("the cost of a run", () => {
  it("is in --stats and --json where the model has a price", async () => {
    const { stderr } = await folder.cli(["run", "-p", "work", "--stats", ask], { env });
    expect(stderr).toMatch(/^models +1 call, 10 tokens in, 2 out, \$0\.02$/m);
    const { stdout } = await folder.cli(["run", "-p", "work", "--json", ask], { env });
    expect(JSON.parse(stdout)).toMatchObject({ usage: { calls: 1, inputTokens: 10, outputTokens: 2, cost: 0.02 } });
  });

  it("is not told where there is no price", async () => {
    const { stdout, stderr } = await folder.cli(["run", "--json", "--stats", ask]);
    expect((JSON.parse(stdout) as { usage: object }).usage).not.toHaveProperty("cost");
    expect(stderr).not.toContain("$");
  });
});

describe("settings that cannot be used end in exit code 78 and name", () => {
  const script = (name: string, options: string): string =>
    folder.file(name, `\nexport const options = ${options};\nconsole.log("ran");\n`);
  it.each([
    ["the profile", ["-p", "wrok"], /--profile: there is no profile "wrok", did you mean "work"\?/],
    ["the path of --set", ["--set", "chat.temprature=1"], /"chat\.temprature", did you mean "chat\.temperature"\?/],
    ["the value of --set", ["--set", "chat.temperature=hot"], /--set chat\.temperature: .* from 0 to 2, found "hot"/],
    ["the provider of --model", ["-m", "opnai:x"], /--model: there is no provider "opnai", did you mean "openai"\?/],
    [
      "line and column of an unknown key in the script's options",
      [script("unknown.js", `{ chat: { modle: "x" } }`)],
      /^error \[ERR_CONFIG_KEY\]: Cannot use unknown\.js:2:34: .*"modle", did you mean "model"\?\n$/,
    ],
    [
      "line and column of a value of the wrong kind",
      [script("wrong.js", `{ limits: { maxCalls: "many" } }`)],
      /^error \[ERR_CONFIG_VALUE\]: Cannot use wrong\.js:2:46: limits\.maxCalls must be a positive whole number, found "many"\n$/,
    ],
    [
      "line and column of what is no literal",
      [script("call.js", "{ limits: { maxCalls: Math.max(1, 2) } }")],
      /^error \[ERR_CONFIG_SCRIPT\]: Cannot use call\.js:2:46: a script's options must be a literal/,
    ],
    [
      "an address, which no script may set",
      [script("address.js", `{ chat: { baseURL: "http://evil.example/" } }`)],
      /^error \[ERR_CONFIG_SCRIPT\]: Cannot use address\.js:2:34: a script may not set chat\.baseURL: say it in geppetto\.yaml\n$/,
    ],
    [
      "a key, and do not show it",
      [script("key.js", `{ chat: { apiKey: "sk-canary-0123456789abcdef" } }`)],
      /^error \[ERR_CONFIG_SCRIPT\]: Cannot use key\.js:2:34: a script may not set chat\.apiKey/,
    ],
    [
      "headers",
      [script("headers.js", `{ chat: { headers: { a: "b" } } }`)],
      /Cannot use headers\.js:2:34: a script may not set chat\.headers/,
    ],
  ])("%s", async (_, args, text) => {
    const given = args.at(-1)!.endsWith(".js") ? args : [...args, ask];
    const { code, stdout, stderr } = await folder.cli(["run", ...given], { env });
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toMatch(text);
  });

  it.each([
    ["unknown key", "chat:\n  modle: x\n", /ERR_CONFIG_KEY\].*geppetto\.yaml:2:3: .*"modle", did you mean "model"/],
    ["broken YAML", "chat: {\n  model: x\n", /ERR_CONFIG_YAML\].*geppetto\.yaml:\d+:\d+: /],
    ["wrong value", "limits:\n  timeout: soon\n", /ERR_CONFIG_VALUE\].*geppetto\.yaml:2:12: .*found "soon"/],
    ["unknown provider", "chat: { provider: opnai }", /geppetto\.yaml:1:19: .*did you mean "openai"\?/],
    ["cycle", "default: a\nprofiles: { a: { extends: b }, b: { extends: a } }", /ERR_CONFIG_CYCLE\].*a → b → a/],
  ])("file, line and column of an %s in a file", async (_, yaml, text) => {
    const other = new ConfigFolder();
    try {
      other.project(yaml);
      const { code, stdout, stderr } = await other.cli(["run", "--json", ask]);
      expect(code).toBe(78);
      expect(stderr).toMatch(text);
      expect(stderr).not.toContain(other.path);
      expect(JSON.parse(stdout)).toMatchObject({ ok: false, exitCode: 78 });
    } finally {
      other.remove();
    }
  });

  it.each([
    ["--json before", ["run", "--json", "-p", "wrok", ask], {}],
    ["--json behind the code", ["eval", "1", "--set", "chat.modle=1", "--json"], {}],
    ["--json behind a name", ["profiles", "show", "wrok", "--json"], {}],
    ["GEPPETTO_JSON", ["run", "-p", "wrok", ask], { GEPPETTO_JSON: "1" }],
  ])("their code, with %s in one document", async (_, args, variables) => {
    const { code, stdout } = await folder.cli(args, { env: variables });
    expect(code).toBe(78);
    const { ok, exitCode, error } = JSON.parse(stdout) as { ok: boolean; exitCode: number; error: { code: string } };
    expect({ ok, exitCode }).toEqual({ ok: false, exitCode: 78 });
    expect(error.code).toMatch(/^ERR_CONFIG_/);
  });

  it("nothing in a document of the script's own --json", async () => {
    expect(await folder.cli(["run", "-p", "wrok", ask, "--json"])).toMatchObject({ code: 78, stdout: "" });
  });

  it("the variable", async () => {
    const { code, stderr } = await folder.cli(["run", ask], { env: { GEPPETTO_MAX_CALLS: "lots" } });
    expect(code).toBe(78);
    expect(stderr).toMatch(/Cannot use GEPPETTO_MAX_CALLS: .* positive whole number, found "lots"/);
  });
});

describe("a script with options", () => {
  it("that does not parse ends in exit code 65 with the place", async () => {
    const script = folder.file("broken.js", "export const options = { chat: {} ;\n");
    const { code, stderr } = await folder.cli(["run", script]);
    expect(code).toBe(65);
    expect(stderr).toBe("error [ERR_SCRIPT_LOAD]: Cannot read the options of broken.js:1:35: unexpected token\n");
  });

  it("may come from stdin, and finds its options as its own export", async () => {
    const input = `export const options = { limits: { timeout: "7s" } }; console.log(options.limits.timeout)`;
    const { stdout, stderr } = await folder.cli(["run", "-v", "-"], { input });
    expect(stdout).toBe("7s\n");
    expect(stderr).toMatch(/, 7 s\n/);
  });

  it("is a classic one with no options at all where it is a .cjs file", async () => {
    const script = folder.file("classic.cjs", "/* export const options = f() */ var options = 1; options");
    expect(await folder.cli(["run", script])).toMatchObject({ code: 0, stdout: "1\n" });
  });
});

it("warnings of the configuration are said once on stderr, and not with -q", async () => {
  const other = new ConfigFolder();
  try {
    other.foreign("permissions: { env: [HOME] }");
    const warned = await other.cli(["eval", "1"]);
    expect(warned).toMatchObject({ code: 0, stdout: "1\n" });
    expect(warned.stderr).toMatch(/^Ignoring permissions\.env of geppetto\.yaml:1:16: [^\n]*\n$/);
    expect((await other.cli(["eval", "-q", "1"])).stderr).toBe("");
  } finally {
    other.remove();
  }
});

describe("an unknown variable", () => {
  const slip = { GEPPETTO_MAXCALLS: "3", GEPPETTO_STATS: "" };
  const text = "Cannot use GEPPETTO_MAXCALLS: unknown variable, did you mean GEPPETTO_MAX_CALLS?";

  it.each([
    [["run", ask]],
    [["run", "--untrusted", ask]],
    [["run", "-q", "--max-calls", "3", ask]],
    [["eval", "1"]],
    [["profiles", "show"]],
    [["profiles", "import", "-"]],
    [["keys", "list"]],
    [["runs", "list"]],
    [["runs", "replay", "last"]],
  ])("ends %j with exit code 78", async (args) => {
    const { code, stdout, stderr } = await folder.cli(args, { env: slip });
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toBe(`error [ERR_CONFIG_KEY]: ${text}\n`);
  });

  it("is told in one document with --json", async () => {
    const { code, stdout } = await folder.cli(["eval", "--json", "1"], { env: slip });
    expect(code).toBe(78);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, exitCode: 78, error: { message: text } });
  });

  it("is found by doctor, which goes on", async () => {
    const { code, stdout } = await folder.cli(["doctor"], { env: slip });
    expect(code).toBe(78);
    expect(stdout).toContain(text);
    expect(stdout).toMatch(/^ok +run log/m);
  });

  it("keeps neither the help nor the version from being shown", async () => {
    expect((await folder.cli(["run", "--help"], { env: slip })).code).toBe(0);
    expect((await folder.cli(["--version"], { env: slip })).code).toBe(0);
  });
});

describe("an option after the script", () => {
  const args = folder.file("args.js", `console.log(process.argv.slice(2).join(" "))`);
  const note = (flags: string): string =>
    `Passing ${flags} to the script: options of geppetto-js come before it; write -- before its own\n`;

  it.each([
    [["run", args, "--timeout", "5s"], "--timeout 5s", "--timeout"],
    [
      ["run", args, "in.txt", "--timeout=5s", "-q", "--json", "--json"],
      "in.txt --timeout=5s -q --json --json",
      "--timeout, -q, --json",
    ],
    [[args, "--allow-read"], "--allow-read", "--allow-read"],
    [["run", args, "--json", "--", "--stats"], "--json -- --stats", "--json"],
  ])("goes to the script, which a note says: %j", async (given, stdout, flags) => {
    expect(await folder.cli(given)).toMatchObject({ code: 0, stdout: `${stdout}\n`, stderr: note(flags) });
  });

  it.each([
    ["follows --", ["run", args, "--", "--json"], "--json"],
    ["is none of ours", ["run", args, "--mode=fast", "-x", "json", "5s"], "--mode=fast -x json 5s"],
    ["comes with -q", ["run", "-q", args, "--json"], "--json"],
  ])("is not told of where it %s", async (_, given, stdout) => {
    expect(await folder.cli(given)).toMatchObject({ code: 0, stdout: `${stdout}\n`, stderr: "" });
  });

  it("belongs to a script that is a program of its own", async () => {
    const tool = folder.file("tool", `#!/usr/bin/env geppetto-js\nconsole.log(process.argv[2])`);
    expect(await folder.cli([tool, "--json"])).toMatchObject({ code: 0, stdout: "--json\n", stderr: "" });
  });
});

it("the help shows what each setting is without its flag", async () => {
  const help = (await folder.cli(["run", "--help"])).stdout.replace(/\s+/g, " ");
  expect(help).toContain("--timeout <time> longest time of the script: 60s, 500ms, 2m (default: 10m)");
  expect(help).toContain("--memory <size> largest heap of the script (default: 128MB)");
  expect(help).toContain("--max-calls <count> most requests to models (default: no limit)");
  expect(help).toContain('for scripts that you trust (default: process) (choices: "process", "thread")');
});

it("a script without configuration loads neither the YAML package nor a parser, and a chat no zod", async () => {
  const spy = `import { registerHooks } from "node:module"; import { writeSync } from "node:fs";
    registerHooks({ resolve(name, context, next) {
      if (/^(?:yaml|zod|acorn|openai|@anthropic-ai)\\b/.test(name)) writeSync(2, "loads " + name + "\\n");
      return next(name, context);
    } });`;
  const nodeArgs = ["--import", `data:text/javascript,${encodeURIComponent(spy)}`];
  const script = folder.file("hello.js", `console.log("Hello World")`);
  expect(await runCli(["run", script], { nodeArgs })).toMatchObject({ code: 0, stderr: "" });
  const loaded = (await folder.cli(["run", script], { nodeArgs })).stderr;
  expect(loaded).toBe("loads yaml\n");
  const options = folder.file("hello-options.js", `export const options = {}; console.log("Hello World")`);
  expect((await runCli(["run", options], { nodeArgs })).stderr).toBe("loads acorn\n");
  // It is a part of the program.
  const chat = folder.file("hello-chat.js", `console.log(await chat("echo: hello"))`);
  expect(await runCli(["run", "-q", chat], { nodeArgs })).toMatchObject({ stdout: "hello\n", stderr: "" });
});
