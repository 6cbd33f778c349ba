import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ScriptedServer, startScriptedServer } from "../chat/scripted-server.ts";
import { ConfigFolder } from "./config-folder.ts";

const folder = new ConfigFolder();
let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
  server.play({ text: "fine" });
  folder.project(`profiles:
  priced: { chat: { provider: openai, model: scripted, baseURL: "${server.settings.baseURL}" }, prices: { scripted: { input: 1000, output: 5000 } } }
  local: { chat: { provider: openai, model: scripted, baseURL: "${server.settings.baseURL}" } }
  unpriced: { chat: { provider: openai, model: scripted, baseURL: "https://models.invalid/v1" } }
`);
});
afterAll(async () => {
  await server.close();
  folder.remove();
});

const thrice = folder.file("thrice.js", `for (const n of [1, 2, 3]) { await chat("echo: hi"); console.log(n) }`);

describe.concurrent("a run that asks for more than", () => {
  it.each([
    ["--max-calls 2", ["--max-calls", "2"], {}, "1\n2\n", /ERR_LIMIT_CALLS\].* limit of 2 model calls.*--max-calls/],
    ["GEPPETTO_MAX_CALLS=1", [], { GEPPETTO_MAX_CALLS: "1" }, "1\n", /ERR_LIMIT_CALLS\].*--max-calls/],
    ["--set limits.maxCalls=2", ["--set", "limits.maxCalls=2"], {}, "1\n2\n", /limits\.maxCalls or --max-calls/],
    [
      "--max-tokens 25",
      ["-p", "priced", "--max-tokens", "25"],
      {},
      "1\n2\n",
      /ERR_LIMIT_TOKENS\].*25 tokens.*--max-tokens/,
    ],
    [
      "--max-cost 0.03",
      ["-p", "priced", "--max-cost", "0.03"],
      {},
      "1\n",
      /ERR_LIMIT_COST\].*0\.03 US dollars.*--max-cost/,
    ],
  ])("%s ends with exit code 125 and a text that names the flag", async (_, args, env, stdout, text) => {
    const result = await folder.cli(["run", "-q", ...args, thrice], { env });
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code: 125, stdout });
    expect(result.stderr).toMatch(text);
  });

  it("its own options allow ends with exit code 125, whatever a flag allows", async () => {
    const script = folder.file(
      "bounded.js",
      `export const options = { limits: { maxCalls: 1 } }; await chat("echo: a"); console.log(1); await chat("echo: b");`,
    );
    const { code, stdout, stderr } = await folder.cli(["run", "-q", "--max-calls", "5", script]);
    expect({ code, stdout }).toEqual({ code: 125, stdout: "1\n" });
    expect(stderr).toMatch(/ERR_LIMIT_CALLS/);
  });

  it("the user allows ends so even where its options would allow more", async () => {
    const script = folder.file(
      "loose.js",
      `export const options = { limits: { maxCalls: 100 } }; await chat("echo: a"); await chat("echo: b");`,
    );
    expect((await folder.cli(["run", "-q", "--max-calls", "1", script])).code).toBe(125);
  });

  it("allowed may catch that, and goes on without answers", async () => {
    const script = folder.file(
      "caught.js",
      `await chat("echo: a");
      try { await chat("echo: b") } catch (error) { console.log(error.name, error.code) }
      for await (const event of new ChatStepFactory().newStep().events("echo: c")) console.log(event.type, event.code ?? "", event.error?.includes("calls") ?? "");
      const answers = await Promise.allSettled([1, 2, 3].map(() => chat("echo: d")));
      console.log(answers.filter(({ status }) => status === "rejected").length);`,
    );
    const { code, stdout } = await folder.cli(["run", "-q", "--max-calls", "1", script]);
    expect(code).toBe(0);
    expect(stdout).toBe("LimitError ERR_LIMIT_CALLS\nstart  \nerror ERR_LIMIT_CALLS true\n3\n");
  });
});

it("a limit on cost refuses a model without a price with exit code 78 and asks nobody", async () => {
  const { code, stderr } = await folder.cli(["run", "-p", "unpriced", "--max-cost", "1", thrice]);
  expect(code).toBe(78);
  expect(stderr).toMatch(/ERR_NO_PRICE\].*"scripted" has no price[^]*hint: set prices in geppetto\.yaml/);
});

it("a limit on cost lets local servers answer without a price", async () => {
  const { code, stdout } = await folder.cli(["run", "-p", "local", "--max-cost", "1", thrice]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "1\n2\n3\n" });
});

it("--concurrency says how many requests are under way at once", async () => {
  const script = folder.file(
    "both.js",
    `let order = "";
    const ask = async (name) => {
      for await (const { type } of new ChatStepFactory().newStep().events("slow: 20ms\\necho: a b c d")) {
        if (type === "partial") order += name;
      }
    };
    await Promise.all([ask("x"), ask("y")]);
    console.log(order);`,
  );
  const { stdout } = await folder.cli(["run", "-q", "--concurrency", "1", script]);
  expect(stdout).toMatch(/^(xxxxyyyy|yyyyxxxx)\n$/);
  expect((await folder.cli(["run", "-q", "--concurrency", "2", script])).stdout).toMatch(/^(?!(.)\1{3})/);
});
