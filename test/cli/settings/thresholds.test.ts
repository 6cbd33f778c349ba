import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ScriptedServer, startScriptedServer } from "../../chat/scripted-server.ts";
import { ConfigFolder } from "../config-folder.ts";

const folder = new ConfigFolder();
let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
  server.play({ text: "fine" });
  folder.project(`thresholds: { step.errors: "<1" }
profiles:
  strict: { thresholds: { calls: "<1", tool: { calls: ["<5"] } } }
  priced: { chat: { provider: openai, model: scripted, baseURL: "${server.settings.baseURL}" }, prices: { scripted: { input: 1000, output: 5000 } } }
  unpriced: { chat: { provider: openai, model: scripted, baseURL: "https://models.invalid/v1" }, thresholds: { cost: <1 } }
`);
});
afterAll(async () => {
  await server.close();
  folder.remove();
});

const asking = (thresholds: string): string => `export const options = { thresholds: ${thresholds} };
console.log(await chat("echo: hi"));`;

describe.concurrent("a script with thresholds", () => {
  it("is a success where they hold", async () => {
    const script = folder.file(
      "held.js",
      asking(`{ calls: "<=1", tokens: ["<100", ">0"], "step.duration": "p(95)<1h" }`),
    );
    const { code, stdout, stderr } = await folder.cli(["run", "-q", script]);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "hi\n", stderr: "" });
  });

  it("exits with 1 where one is crossed, and names it with what was measured", async () => {
    const script = folder.file("crossed.js", asking(`{ calls: "<1", "step.errors": "<1", "tool.calls": ">0" }`));
    const { code, stdout, stderr } = await folder.cli(["run", "-q", script]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "hi\n" });
    expect(stderr).toBe(
      "error [ERR_THRESHOLD]: threshold crossed: calls was to be <1 and is 1\n" +
        "error [ERR_THRESHOLD]: threshold crossed: tool.calls was to be >0 and is 0\n",
    );
  });

  it("tells of all of them in the document of --json", async () => {
    const script = folder.file("document.js", asking(`{ calls: "<1", cost: "<0.10" }`));
    const { code, stdout } = await folder.cli(["run", "-q", "--json", script]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      exitCode: 1,
      error: { name: "LimitError", code: "ERR_THRESHOLD", message: expect.stringContaining("calls was to be <1") },
      thresholds: [
        { metric: "calls", threshold: "<1", value: 1, unit: "1", ok: false },
        { metric: "cost", threshold: "<0.10", value: 0, unit: "usd", ok: true },
        { metric: "step.errors", threshold: "<1", value: 0, unit: "1", ok: true },
      ],
      stats: { steps: { done: 1, failed: 0, cancelled: 0 }, toolCalls: 0 },
    });
  });

  it("shows them in the block of --stats", async () => {
    const script = folder.file("block.js", asking(`{ calls: "<1", duration: "<1h" }`));
    const { stderr } = await folder.cli(["run", "-q", "--stats", script]);
    expect(stderr).toMatch(/^thresholds {2}calls +<1 +1 {2}crossed\n {12}duration +<1h +\S+ m?s {2}held\n/m);
  });

  it("keeps the exit code with which it has failed by itself", async () => {
    const script = folder.file("failed.js", `${asking(`{ calls: "<1" }`)}\nprocess.exitCode = 7;`);
    const { code, stderr } = await folder.cli(["run", "-q", script]);
    expect(code).toBe(7);
    expect(stderr).toMatch(/calls was to be <1 and is 1/);
    const thrown = folder.file("thrown.js", `${asking(`{ calls: "<1" }`)}\nthrow new TypeError("no");`);
    const json = JSON.parse((await folder.cli(["run", "-q", "--json", thrown])).stdout) as object;
    expect(json).toMatchObject({
      exitCode: 1,
      error: { name: "TypeError" },
      thresholds: [{ ok: false }, { ok: true }],
    });
  });

  it("counts the embedded models, and each round of tools", async () => {
    const script = folder.file(
      "counted.js",
      `export const options = { thresholds: { calls: "==4", "tool.calls": "==1", tokens: ">3", "step.duration": "count==1" } };
      await embeddings.generateEmbeddingAsync("one text");
      await embeddings.generateEmbeddingAsync("another text");
      const run = ({ a }) => a + 1;
      const step = new ChatStepFactory().newStep({ tools: [{ name: "add", description: "", input: { type: "object" }, run }] });
      await step.startAsync('call: add {"a":1}');`,
    );
    expect(await folder.cli(["run", "-q", script])).toMatchObject({ code: 0, stderr: "" });
  });

  it("may have them from the command line, a variable and a profile too, and all of them count", async () => {
    const script = folder.file("all.js", asking(`{ calls: "<9" }`));
    const args = ["run", "-q", "-p", "strict", "--set", "thresholds.calls=<2", "--set", "thresholds.tokens=<1"];
    const { stderr } = await folder.cli([...args, "--json", script], {
      env: { GEPPETTO_THRESHOLDS_STEP_ERRORS: ">5" },
    });
    expect(stderr).toMatch(
      /calls was to be <1 and is 1\n.*tokens was to be <1 and is \d+\n.*step.errors was to be >5 and is 0/,
    );
    const shown = await folder.cli(["profiles", "show", "strict", "--origin"]);
    expect(shown.stdout).toMatch(/thresholds\.tool\.calls +<5 +geppetto\.yaml:3:/);
  });

  it("has crossed one for the cost where nobody knows it", async () => {
    const script = folder.file("unpriced.js", `await chat("x").catch(() => {});`);
    const { code, stderr } = await folder.cli(["run", "-q", "-p", "unpriced", "--set", "retry.attempts=1", script]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/cost was to be <1 and is not known: scripted has no price; set one under prices/);
  });

  it("costs what its models' prices say", async () => {
    const script = folder.file("priced.js", asking(`{ cost: ["<0.01", "<1"] }`));
    const { code, stderr } = await folder.cli(["run", "-q", "-p", "priced", script]);
    expect(code).toBe(1);
    expect(stderr).toBe("error [ERR_THRESHOLD]: threshold crossed: cost was to be <0.01 and is $0.02\n");
  });

  it.each([
    [`{ cots: "<1" }`, /no\.js:1:40: there is no metric "cots", did you mean "cost"\?/],
    [
      `{ "step.time": "<1s" }`,
      /there is no metric "step.time", it must be one of calls, tokens, cost, duration, step\.dur/,
    ],
    [`{ step: { error: "<1" } }`, /there is no .* "error", did you mean "errors"\?/],
    [
      `{ calls: "less than 5" }`,
      /no\.js:1:47: thresholds\.calls must be a comparison .*"<10", found "less than 5": it compares/,
    ],
    [
      `{ "step.duration": ["p(95)<2s", "p95<1s"] }`,
      /thresholds\.step\.duration .*: there is no "p95", did you mean "p\(95\)"\?/,
    ],
    [`{ duration: "<2" }`, /a time needs its unit, write "<2s" or "<2ms"/],
    [`"<1"`, /"thresholds" must be a section/],
  ])("does not run with %s", async (thresholds, text) => {
    const own = new ConfigFolder();
    const script = own.file("no.js", asking(thresholds));
    const { code, stdout, stderr } = await own.cli(["run", "-q", script]);
    own.remove();
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toMatch(text);
  });

  it("does not run with a wrong one of geppetto.yaml", async () => {
    const own = new ConfigFolder();
    own.project(`chat: { seed: 1 }\nthresholds:\n  callz: "<1"\n`);
    const { code, stdout, stderr } = await own.cli(["run", "-q", own.file("ok.js", "console.log(1)")]);
    own.remove();
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toMatch(/geppetto\.yaml:3:3: there is no metric "callz", did you mean "calls"\?/);
  });

  it("is replayed with what was measured then", async () => {
    const script = folder.file("again.js", asking(`{ calls: "<1" }`));
    const env = { GEPPETTO_LOG: join(folder.path, "again.sqlite") };
    const first = JSON.parse((await folder.cli(["run", "-q", "--json", script], { env })).stdout) as { runId: string };
    const again = await folder.cli(["runs", "replay", first.runId, "-q", "--json", "--no-log"], { env });
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stdout)).toEqual(first);
  });
});

it("a section within a section is read", async () => {
  const script = folder.file(
    "nested.js",
    `export const options = { chat: { reasoning: { effort: "low" } } }; console.log(1)`,
  );
  expect(await folder.cli(["run", "-q", script])).toMatchObject({ code: 0, stdout: "1\n" });
  const wrong = folder.file("nesting.js", `export const options = { chat: { reasoning: { efort: "low" } } };`);
  expect((await folder.cli(["run", "-q", wrong])).stderr).toMatch(
    /in chat\.reasoning "efort", did you mean "effort"\?/,
  );
});
