import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CANARY_KEY, runCli, ScriptFolder, startCli, type CliResult } from "./run-cli.ts";
import { sharedFolder, startReplay, type ReplayServer } from "../providers/replay.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

const ask = folder.file(
  "ask.js",
  `const step = new ChatStepFactory().newStep();
  let deltas = 0;
  step.runWithEvents("hello", (event) => {
    if (event.type === "partial") deltas++;
    if (event.type === "final") console.log(event.text, deltas > 1);
    if (event.type === "error") console.log(event.code);
  });`,
);
const fail = folder.file(
  "fail.js",
  `console.log((await new ChatStepFactory().newStep().startAsync("hello"))[0].text);`,
);

describe("the same script, unchanged,", () => {
  const mock = new LLMock({ port: 0 });
  beforeAll(async () => {
    await mock.start();
    mock.onMessage("hello", { content: "A good day to you, and to everybody else here." });
  });
  afterAll(() => mock.stop());
  const env = (): Record<string, string> => ({ OPENAI_BASE_URL: `${mock.url}/v1`, ANTHROPIC_BASE_URL: mock.url });

  it.each([["openai:gpt-5-mini"], ["anthropic:claude-sonnet-5"]])("streams an answer of %s", async (model) => {
    const result = await runCli(["run", "-m", model, ask], { env: env() });
    expect(result).toMatchObject({
      code: 0,
      stdout: "A good day to you, and to everybody else here. true\n",
      stderr: "",
    });
  });

  it("streams an answer of the embedded model, keys or not", async () => {
    const { code, stdout } = await runCli(["run", "-q", ask], { env: env() });
    expect({ code, stdout: stdout.slice(0, 6) }).toEqual({ code: 0, stdout: "[demo]" });
  });
});

const INVALID_KEY =
  /ERR_INVALID_KEY\].*invalid api key: no header of HTTP can hold it; set (?:OPENAI|ANTHROPIC)_API_KEY/;

describe.concurrent("a script whose model cannot be used", () => {
  it.each([
    ["has an unknown provider", "antropic:x", {}, /ERR_UNKNOWN_PROVIDER.*did you mean "anthropic"/],
    [
      "misses its key",
      "openai:gpt-5-mini",
      { OPENAI_API_KEY: undefined },
      /ERR_MISSING_KEY.*OPENAI_API_KEY[^]*hint: .*geppetto-js keys set/,
    ],
    ["misses its key", "anthropic", { ANTHROPIC_API_KEY: undefined }, /ERR_MISSING_KEY.*ANTHROPIC_API_KEY/],
    ["has a key that no header can hold", "openai:x", { OPENAI_API_KEY: "\u201csk-abc\u201d" }, INVALID_KEY],
    ["has a key of two lines", "anthropic:x", { ANTHROPIC_API_KEY: "sk\nabc" }, INVALID_KEY],
    ["has a base URL that is none", "openai:x", { OPENAI_BASE_URL: "nonsense" }, /ERR_BASE_URL/],
  ])("because it %s (%s) fails with exit code 78", async (_, model, env, text) => {
    const { code, stdout, stderr } = await runCli(["run", "-m", model, fail], { env });
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toMatch(text);
  });

  it("because nothing listens there fails with exit code 69", async () => {
    const env = { OPENAI_BASE_URL: "http://127.0.0.1:1/v1" };
    const { code, stderr } = await runCli(["run", "-m", "openai:x", fail], { env });
    expect(code).toBe(69);
    expect(stderr).toMatch(/^ProviderError \[ERR_PROVIDER_UNREACHABLE\].*after 3 attempts/);
  });

  it.each([
    ["error: 401", 78],
    ["error: 429", 75],
    ["error: 500", 69],
  ])("because the demo model is told %s ends with exit code %i", async (order, code) => {
    const script = folder.file(`${order}.js`, `await chat(${JSON.stringify(order)})`);
    expect((await runCli(["run", script])).code).toBe(code);
  });

  it("counts a provider's failure that the script throws on as the provider's", async () => {
    const script = folder.file("rethrow.js", `try { await chat("error: 429") } catch (error) { throw error }`);
    expect((await runCli(["run", script])).code).toBe(75);
  });
});

describe.skipIf(!sharedFolder)("against recorded traffic, a provider that", () => {
  let replay: ReplayServer;
  beforeAll(async () => {
    replay = await startReplay();
  });
  afterAll(() => replay.close());

  const models = [
    ["openai", "oai-chat-text-gpt4o"],
    ["anthropic", "ant-text-sonnet45"],
  ] as const;
  const env = (): Record<string, string> => ({
    OPENAI_BASE_URL: replay.openaiBaseURL,
    ANTHROPIC_BASE_URL: replay.anthropicBaseURL,
  });
  const run = (provider: string, model: string, script: string = fail): Promise<CliResult> =>
    runCli(["run", "-m", `${provider}:${model}`, script], { env: env() });
  const sent = (model: string): number => replay.requests.filter(({ body }) => body["model"] === model).length;

  describe.concurrent.each(models)("%s", (provider, recording) => {
    it("answers is printed, and only it has seen the key", async () => {
      const { code, stdout, stderr } = await run(provider, recording);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout.length).toBeGreaterThan(10);
      const request = replay.requests.find(({ body }) => body["model"] === recording)!;
      expect(`${request.headers["authorization"]} ${request.headers["x-api-key"]}`).toContain(CANARY_KEY);
    });

    it("refuses the key ends in exit code 78 after one request", async () => {
      const model = `${recording}+401`;
      const { code, stderr } = await run(provider, model);
      expect(code).toBe(78);
      expect(stderr).toMatch(/ERR_INVALID_KEY\].*invalid api key \(401\)[^]*hint: check the key/);
      expect(sent(model)).toBe(1);
    });

    it("limits the rate ends in exit code 75 after three requests", async () => {
      const model = `${recording}+429=0`;
      const { code, stderr } = await run(provider, model);
      expect(code).toBe(75);
      expect(stderr).toMatch(/ERR_RATE_LIMIT\].*rate limit.*\(429\).*after 3 attempts/);
      expect(sent(model)).toBe(3);
    });

    it("has an error of its own ends in exit code 69", async () => {
      const { code, stderr } = await run(provider, `${recording}+500`);
      expect(code).toBe(69);
      expect(stderr).toMatch(/ERR_PROVIDER\].*\(500\).*after 3 attempts/);
    });

    it.each(["cut", "cutmid", "garbage", "error"])(
      "breaks off in the middle (%s) ends in exit code 69",
      async (fault) => {
        const { code, stderr } = await run(provider, `${recording}+${fault}`);
        expect(code).toBe(69);
        expect(stderr).toMatch(/^ProviderError \[ERR_/);
      },
    );

    it("hangs is left by Ctrl-C, and the text so far is kept", async () => {
      const script = folder.file(
        `hang-${provider}.js`,
        `new ChatStepFactory().newStep().runWithEvents("hello", (event) => {
          if (event.type === "partial") process.stdout.write(event.delta);
          if (event.type === "interrupt") console.log("\\ninterrupt", event.text.length > 0);
        });`,
      );
      const model = `${recording}+hang`;
      const cli = startCli(["run", "-m", `${provider}:${model}`, script], { env: env() });
      await cli.seen(" ");
      cli.child.kill("SIGINT");
      const { code, stdout } = await cli.result;
      expect(code).toBe(130);
      expect(stdout).toMatch(/interrupt true\n$/);
      expect(replay.requests.find(({ body }) => body["model"] === model)!.closedByClient).toBe(true);
    });
  });
});
