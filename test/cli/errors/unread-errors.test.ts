import { afterAll, describe, expect, it } from "vitest";
import { RuntimeEngine, setupDefaults } from "../../../src/index.ts";
import { ISOLATIONS } from "../../engine/engine-harness.ts";
import { runCli, ScriptFolder } from "../run-cli.ts";
import { ScriptReports } from "./script-reports.ts";

const reports = new ScriptReports();
const folder = new ScriptFolder();
afterAll(async () => {
  folder.remove();
  await reports[Symbol.asyncDispose]();
});

const CHAT = "const step = new ChatStepFactory().newStep();\n";
/** What an event handler does with an error event. */
const onError = (what: string): string =>
  `${CHAT}step.runWithEvents("error: 429", (event) => { if (event.type === "error") { ${what} } });`;
const inLoop = (what: string): string =>
  `${CHAT}for await (const event of step.events("error: 429")) { if (event.type === "error") { ${what} } }`;

describe("a run that fails while nobody looks at its error", () => {
  it.each([
    ["does nothing with the event", onError(""), 75],
    ["reads only its type and code", onError("void [event.type, event.code, event.meta, event.step, event.seq];"), 75],
    [
      "waits for the text that never comes",
      `${CHAT}await new Promise((resolve) => step.runWithEvents("error: 500", (event) => { if (event.type === "final") resolve(event.text); }));`,
      69,
    ],
    ["goes through all events", `${CHAT}for await (const event of step.events("error: 401")) void event.type;`, 78],
    ["leaves the loop at the error", inLoop("break;"), 75],
    ["ends with done()", onError("done(5);"), 75],
    ["ends with process.exit()", onError("process.exit();"), 75],
    [
      "drops a stream that has failed",
      `${CHAT}step.stream("error: 429"); await new Promise((resolve) => setTimeout(resolve, 100));`,
      75,
    ],
    [
      "hears of everything but errors",
      `${CHAT}steps.withEvents(step, { onStart() {}, onComplete() {} }).runWithEvents("error: 429", () => {});`,
      75,
    ],
    [
      "decides about retries",
      `steps.withRetry(doubleStep, { maxAttempts: 2, shouldRetry: (error) => error.isTransient }).runWithEvents("x", () => {});`,
      1,
    ],
    ["composes", `${CHAT}steps.compose([(x) => x, step]).runWithEvents("error: 429", () => {});`, 75],
    [
      "throws in a step of its own",
      `steps.createLambdaStep(() => { throw new Error("mine"); }).runWithEvents(1, () => {});`,
      1,
    ],
    [
      "throws a text in a step of its own",
      `steps.createLambdaStep(() => { throw "mine"; }).runWithEvents(1, () => {});`,
      1,
    ],
    ["gives a wrong input", `doubleStep.runWithEvents("x", () => {});`, 1],
    ["chains stages", `pipeline.chain(() => { throw new Error("mine"); }).runWithEvents("x", () => {});`, 1],
    [
      "has looked at another one",
      `${CHAT}step.runWithEvents("error: 401", (event) => { void event.error; }); step.runWithEvents("error: 429", () => {});`,
      75,
    ],
    ["cancels after the error", onError("setTimeout(() => step.cancel(), 1);"), 75],
  ])("makes a script a failed one that %s", async (_, code, exitCode) => {
    const { outcome, exitCode: found } = await reports.of(code);
    expect(found).toBe(exitCode);
    expect(outcome).toMatchObject({ ok: false, unhandledErrors: [{ message: expect.any(String) as string }] });
    expect(outcome.error).toBeDefined();
  });

  it.each([
    ["reads error", onError("console.error(event.error);")],
    ["takes it out of the event", onError("const { error } = event;")],
    ["reads cause", onError("void event.cause.status;")],
    ["asks what the text includes", onError(`event.error.includes("rate limit");`)],
    ["turns the event into JSON", onError("JSON.stringify(event);")],
    ["copies the event", onError("({ ...event });")],
    ["clones the event", onError("structuredClone(event);")],
    ["lists its values", onError("Object.values(event);")],
    ["prints the event", onError("console.log(event);")],
    ["gives the event as its result", onError("done(event);")],
    [
      "looks later",
      `${CHAT}let kept; step.runWithEvents("error: 429", (event) => { kept = event; }); setTimeout(() => void kept.error, 50);`,
    ],
    ["looks in a loop", inLoop("void event.error;")],
    ["has an onError", `${CHAT}step.startWithCallbacks("error: 429", { onError() {} });`],
    [
      "has an onError around the step",
      `${CHAT}steps.withEvents(step, { onError() {} }).runWithEvents("error: 429", () => {});`,
    ],
    [
      "has an onError around a part of the step",
      `${CHAT}steps.compose([steps.withEvents(step, { onError() {} })]).runWithEvents("error: 429", () => {});`,
    ],
    ["catches a rejection", `${CHAT}await step.startAsync("error: 429").catch(() => {});`],
    ["catches what is thrown", `${CHAT}try { step.startBlocking("error: 429"); } catch {}`],
    [
      "catches what a stream throws",
      `${CHAT}try { for await (const text of step.stream("error: 429")) void text; } catch {}`,
    ],
    ["cancels the run", `${CHAT}const id = step.runWithEvents("slow: 1s\\nerror: 429", () => {}); step.cancel(id);`],
    [
      "tries again and succeeds",
      `let n = 0; steps.withRetry(steps.createLambdaStep(() => { if (n++ === 0) throw new Error("x"); }), { maxAttempts: 2 }).runWithEvents(1, () => {});`,
    ],
    ["leaves the loop before the error", `${CHAT}for await (const event of step.events("error: 429")) break;`],
  ])("is looked at by a script that %s", async (_, code) => {
    const { outcome, exitCode } = await reports.of(code);
    expect(outcome).toMatchObject({ ok: true });
    expect(outcome).not.toHaveProperty("unhandledErrors");
    expect(exitCode).toBe(0);
  });

  it("leaves an exit code of the script's own as it is", async () => {
    expect((await reports.of(`doubleStep.runWithEvents("x", () => {}); process.exitCode = 7;`)).exitCode).toBe(7);
    expect((await reports.of(onError("process.exitCode = 0;"))).exitCode).toBe(75);
  });

  it("counts less than an error that nobody caught", async () => {
    const { outcome, exitCode } = await reports.of(onError(`throw new Error("mine");`));
    expect(exitCode).toBe(1);
    expect(outcome.error?.message).toBe("mine");
    expect(outcome.unhandledErrors).toMatchObject([{ code: "ERR_RATE_LIMIT" }]);
  });

  it("is told with the place where the script started it, also from within another step", async () => {
    for (const step of ["step", "steps.compose([step])", "steps.withTimeout(step, 5000)"]) {
      const { document } = await reports.of(`${CHAT}${step}.runWithEvents("error: 429", () => {});`);
      expect(document).toMatchObject({ line: 2, column: step.length + 2, code: "ERR_RATE_LIMIT" });
    }
  });
});

describe("an error event", () => {
  it("has the error itself as its cause, which keeps its code and exit code when it is thrown", async () => {
    const { outcome, exitCode } = await reports.of(onError("throw event.cause;"));
    expect(exitCode).toBe(75);
    expect(outcome.error).toMatchObject({ name: "ProviderError", code: "ERR_RATE_LIMIT", status: 429, fromHost: true });
    const own = `const mine = new TypeError("mine"); steps.createLambdaStep(() => { throw mine; }).runWithEvents(1, (event) => { if (event.type === "error") console.log(event.cause === mine); });`;
    expect((await reports.of(own)).output.lines).toEqual(["true"]);
  });

  it("has the error's text as its error, and else what it always had", async () => {
    const { output } = await reports.of(
      onError(`
        console.log(typeof event.error, event.error === event.cause.message, event.error.includes("rate limit"));
        console.log(Object.keys(event).join(), "cause" in event, JSON.stringify(event).includes("cause"));
        event.error = "changed"; event.cause = 5; event.more = 1;
        console.log(event.error, event.cause, event.more, Object.keys(Object.freeze(event)).length);`),
    );
    expect(output.lines).toEqual([
      "string true true",
      "type,meta,step,seq,time,error,code true false",
      "changed 5 1 8",
    ]);
  });

  it("is printed as a plain object", async () => {
    const { output } = await reports.of(onError("console.log(event);"));
    expect(output.out).toContain("  error: 'embedded: rate limit reached (429): the demo model was told to fail',\n");
    expect(output.out).not.toContain("Getter");
  });

  it("that is frozen can be read all the same", async () => {
    const { output, exitCode } = await reports.of(
      onError("Object.freeze(event); console.log(event.error.length > 5, event.error.length > 5);"),
    );
    expect(output.lines).toEqual(["true true"]);
    expect(exitCode).toBe(0);
  });
});

describe.each(ISOLATIONS)("an engine with a guest in a %s", (isolation) => {
  it("says in the outcome which errors nobody has looked at, and forgets them with the script", async () => {
    await using engine = new RuntimeEngine({ isolation, setup: [setupDefaults()] });
    await engine.start();
    const code = `for (let i = 0; i < 300; i++) doubleStep.runWithEvents("x" + i, () => {}); export default 5;`;
    const outcome = await engine.runScript({ code });
    expect(outcome).toMatchObject({ ok: false, end: "completed", value: 5, error: { name: "ValidationError" } });
    expect(outcome.unhandledErrors).toHaveLength(100);
    expect(await engine.runScript({ code: "export default 6" })).toMatchObject({ ok: true, value: 6 });
  });
});

describe.concurrent("on the command line", () => {
  const script = folder.file("tea.js", `${CHAT}step.runWithEvents("error: 429", () => {});\nexport default "made";\n`);

  it("an error that nobody has looked at is a warning, and the exit code is the error's", async () => {
    const { code, stdout, stderr } = await runCli(["run", "-q", "--no-log", script], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 75, stdout: "made\n" });
    expect(stderr).toBe(
      "warning: a run has failed, and the script has not looked at its error (event.error or event.cause):\n" +
        "ProviderError [ERR_RATE_LIMIT]: embedded: rate limit reached (429): the demo model was told to fail\n\n" +
        `  1 | const step = new ChatStepFactory().newStep();\n> 2 | step.runWithEvents("error: 429", () => {});\n    |      ^\n  3 | export default "made";\n\n` +
        "    at tea.js:2:6\nhint: wait a little, or ask for less at a time\n",
    );
  });

  it("--json says that the script has failed, and with what", async () => {
    const { code, stdout } = await runCli(["run", "--json", "--no-log", script]);
    expect(code).toBe(75);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      exitCode: 75,
      end: "completed",
      result: "made",
      error: { code: "ERR_RATE_LIMIT", file: "tea.js", line: 2 },
      unhandledErrors: [{ code: "ERR_RATE_LIMIT" }],
    });
  });

  it("the same error of many runs is said once", async () => {
    const { code, stderr } = await runCli([
      "eval",
      `for (let i = 0; i < 9; i++) doubleStep.runWithEvents("x", () => {})`,
    ]);
    expect(code).toBe(1);
    expect(stderr.match(/warning/g)).toHaveLength(1);
    expect(stderr).toMatch(/^warning: 9 times: a run has failed/);
  });
});
