import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CliResult } from "../run-cli.ts";
import { patience } from "../../machine/patience.ts";
import { JournalFolder } from "./journal-folder.ts";

let folder: JournalFolder;
beforeEach(() => void (folder = new JournalFolder()));
afterEach(() => folder.remove());

const run = (id: string, file: string, ...args: string[]): Promise<CliResult> =>
  folder.cli(["run", "-q", "--durable", "--id", id, file, ...args]);
const runs = (...args: string[]): Promise<CliResult> => folder.cli(["runs", ...args]);
const resume = (id: string, ...args: string[]): Promise<CliResult> => runs("resume", "-q", id, ...args);

describe("run --durable", () => {
  it("is suspended with exit code 80, says for what, and goes on where it was", async () => {
    folder.file(
      "order.js",
      `console.log("order", process.argv[2], input());
      const { approved, by, note } = await execution.approve("Pay 20 EUR?", { data: { total: 20 } });
      console.log(approved, typeof by, note);
      console.log(await execution.receive("paid"));
      process.exitCode = 3;`,
    );
    folder.file("input.txt", "text");
    const begun = await folder.cli(["run", "--durable", "--id=o1", "--input=input.txt", "order.js", "17"]);
    expect(begun).toMatchObject({ code: 80, stdout: "order 17 text\n" });
    expect(begun.stderr).toBe(
      `suspended: the execution o1 waits for
  an answer to question 1: Pay 20 EUR?
    geppetto-js runs approve o1 --question 1
go on with: geppetto-js runs resume o1
`,
    );
    expect(await run("o1", "order.js")).toMatchObject({ code: 80, stdout: "order 17 text\n", stderr: "" });
    expect(await runs("approve", "o1", "--note", "fine")).toMatchObject({ code: 0 });
    expect(await resume("o1")).toMatchObject({ code: 80, stdout: "true string fine\n" });
    expect(await runs("send", "o1", "paid", "--data", '"cash"')).toMatchObject({ code: 0 });
    expect(await resume("o1")).toMatchObject({ code: 3, stdout: "cash\n" });
    const whole = "order 17 text\ntrue string fine\ncash\n";
    expect(await run("o1", "order.js")).toMatchObject({ code: 3, stdout: whole });
    expect(await resume("o1")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error \[ERR_EXECUTION_ENDED\]: .*it has failed/) as string,
    });
    expect((await runs("list")).stdout).toMatch(/^o1 .* failed \(exit 3\)/m);
    expect(await runs("replay", "o1")).toMatchObject({ code: 3, stdout: whole });
  });

  it("is known to the commands about runs: what they cannot do with it they say", async () => {
    folder.file("wait.js", `console.log("begun"); await execution.receive("go");`);
    expect(await run("waiting-1", "wait.js")).toMatchObject({ code: 80 });
    expect((await runs("show", "waiting")).stdout).toMatch(/^execution +waiting-1$/m);
    expect(await runs("replay", "waiting-1")).toMatchObject({
      code: 79,
      stdout: "",
      stderr: expect.stringMatching(
        /Cannot replay the execution waiting-1: it has not ended; geppetto-js runs resume waiting-1 goes on with it/,
      ) as string,
    });
    for (const [command, action] of [
      ["trace", "make a page of"],
      ["export", "export"],
    ] as const) {
      expect(await runs(command, "waiting-1")).toMatchObject({
        code: 2,
        stdout: "",
        stderr: expect.stringMatching(
          `Cannot ${action} the execution waiting-1: executions that last .*; geppetto-js runs show waiting-1 shows it`,
        ) as string,
      });
    }
  });

  it("goes on after kill -9 in the middle of a stream, and prints nothing twice", async () => {
    const words = Array.from({ length: 40 }, (_, i) => `w${i}`).join(" ");
    folder.file(
      "stream.js",
      `console.log("begun");
      const text = await chat("slow: 50ms\\necho: ${words}");
      console.log(text);
      await execution.approve("Go on?");
      console.log("end");`,
    );
    const { child, seen, result } = folder.start(["run", "-q", "--durable", "--id", "s1", "stream.js"]);
    await seen("begun");
    child.kill("SIGKILL");
    await result;
    expect((await runs("list", "--state", "interrupted")).stdout).toContain("s1");
    expect(await resume("s1")).toMatchObject({ code: 80, stdout: `${words}\n` });
    await runs("approve", "s1");
    expect(await resume("s1")).toMatchObject({ code: 0, stdout: "end\n" });
    expect(await run("s1", "stream.js")).toMatchObject({ code: 0, stdout: `begun\n${words}\nend\n` });
  });

  it("spends its budget once, however often it is gone on with, also after a checkpoint", async () => {
    folder.file(
      "ask.js",
      `const { n = 0 } = execution.state ?? {};
      for (let i = n; ; i++) {
        console.log(i, await chat("echo: hi").catch((e) => e.code));
        if (i === 0) await execution.checkpoint({ n: 1 });
        await execution.receive("go");
      }`,
    );
    const asked = await folder.cli(["run", "-q", "--durable", "--id", "b1", "--max-calls", "2", "ask.js"]);
    expect(asked).toMatchObject({ code: 80, stdout: expect.stringMatching(/^0 hi\n/) as string });
    const outputs: string[] = [];
    for (let i = 0; i < 3; i++) {
      expect(await runs("send", "b1", "go")).toMatchObject({ code: 0 });
      outputs.push((await resume("b1")).stdout);
    }
    expect(asked.stdout + outputs.join("")).toMatch(/^0 hi\n1 hi\n(\d ERR_LIMIT_CALLS\n){2,}$/);
  });

  it("is refused while another process runs it", async () => {
    folder.file("wait.js", `console.log("here"); await new Promise((resolve) => setTimeout(resolve, 600_000));`);
    const { child, seen, result } = folder.start(["run", "-q", "--durable", "--id", "w1", "wait.js"]);
    await seen("here");
    for (const refused of [await resume("w1"), await run("w1", "wait.js")]) {
      expect(refused).toMatchObject({ code: 1, stdout: "" });
      expect(refused.stderr).toContain(`it is running on`);
      expect(refused.stderr).toContain(`process ${child.pid}`);
    }
    await runs("cancel", "w1");
    expect((await result).code).not.toBe(0);
    expect((await runs("list")).stdout).toMatch(/^w1 .* failed/m);
  });

  it("names an id of its own, and refuses what cannot be one, or goes with nothing", async () => {
    folder.file("a.js", `await execution.sleep("1d");`);
    const { stderr } = await folder.cli(["run", "--durable", "a.js"]);
    const [, id] = /^execution ([0-9a-f-]{36})$/m.exec(stderr)!;
    expect(stderr).toContain(`geppetto-js runs resume ${id}`);
    expect(await run("a b", "a.js")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("ERR_EXECUTION_ID") as string,
    });
    expect((await folder.cli(["run", "--id", "x", "a.js"])).code).toBe(2);
    expect((await folder.cli(["run", "--durable", "--deterministic", "a.js"])).code).toBe(2);
    expect((await folder.cli(["eval", "--durable", "1"])).code).toBe(2);
  });

  it("gives one document with --json", async () => {
    folder.file("a.js", `console.log("x"); await execution.approve("Pay?", { data: [1] });`);
    const { code, stdout } = await folder.cli(["run", "--json", "--durable", "--id", "j1", "a.js"]);
    expect(code).toBe(80);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      end: "suspended",
      exitCode: 80,
      runId: "j1",
      error: null,
      stdout: "x\n",
      waitsFor: [{ kind: "approve", number: 1, question: "Pay?", data: [1] }],
    });
  });

  it("waits for what is near, and takes durable.suspendAfter for near", async () => {
    folder.file("nap.js", `await execution.sleep("100ms"); console.log("rested");`);
    expect(await run("n1", "nap.js")).toMatchObject({ code: 0, stdout: "rested\n" });
    const always = ["run", "-q", "--durable", "--id", "n2", "--set", "durable.suspendAfter=0s", "nap.js"];
    expect(await folder.cli(always)).toMatchObject({ code: 80, stdout: "" });
    expect(await resume("n2")).toMatchObject({ code: 0, stdout: "rested\n" });
  });
});

describe("a question", () => {
  const asked = (body: string): string => `const gate = () => execution.approve("Ship?"); ${body}`;

  it("is not swallowed by whatever stands around it", async () => {
    const ways = {
      catch: `try { console.log((await gate()).approved); } catch { console.log("caught"); } finally { console.log("finally"); }`,
      race: `console.log((await Promise.race([gate(), new Promise(() => {})])).approved); console.log("finally");`,
      settled: `const [{ value }] = await Promise.allSettled([gate()]); console.log(value.approved); console.log("finally");`,
    };
    for (const [name, body] of Object.entries(ways)) {
      folder.file(`${name}.js`, asked(body));
      expect(await run(name, `${name}.js`), name).toMatchObject({ code: 80, stdout: "" });
      await runs("approve", name);
      expect(await resume(name), name).toMatchObject({ code: 0, stdout: "true\nfinally\n" });
    }
  });

  it("of several is answered alone; a refusal is a value", async () => {
    folder.file(
      "two.js",
      `const ask = async (text) => console.log(text, (await execution.approve(text)).approved);
      await Promise.all([ask("Pay?"), ask("Ship?")]);`,
    );
    expect((await run("two", "two.js")).code).toBe(80);
    await runs("approve", "two", "--question", "2", "--refuse");
    expect(await resume("two")).toMatchObject({ code: 80, stdout: "Ship? false\n" });
    expect((await runs("approve", "two", "--question", "2")).stderr).toContain("was answered already");
    await runs("approve", "two");
    expect(await resume("two")).toMatchObject({ code: 0, stdout: "Pay? true\n" });
  });

  it("whose time is up takes no answer, and rejects", async () => {
    folder.file(
      "late.js",
      `try { await execution.approve("Pay?", { timeout: "1s" }); } catch (error) { console.log(error.name); }`,
    );
    const args = ["run", "-q", "--durable", "--id", "late", "--set", "durable.suspendAfter=0s", "late.js"];
    expect((await folder.cli(args)).code).toBe(80);
    await expect.poll(() => folder.isDue("late"), { timeout: patience(10_000) }).toBe(true);
    expect((await runs("approve", "late")).stderr).toContain("the time for an answer");
    expect(await runs("resume", "--due", "-q")).toMatchObject({ code: 0, stdout: "TimeoutError\n" });
  });

  it("is asked of an upgraded script only where that does the same so far", async () => {
    folder.file("up.js", `console.log("v1"); await execution.approve("Pay?"); console.log("paid");`);
    expect((await run("up", "up.js")).code).toBe(80);
    await runs("approve", "up");
    folder.file("up.js", `console.log("v1"); await execution.approve("Pay?"); console.log("paid, v2");`);
    expect(await resume("up")).toMatchObject({ code: 79, stdout: "" });
    expect(await run("up", "up.js")).toMatchObject({ code: 79 });
    folder.file("up.js", `console.log("v1"); await execution.approve("Pay more?"); console.log("paid, v3");`);
    const differs = await resume("up", "--accept-source");
    expect(differs.code).toBe(79);
    expect(differs.stderr).toContain("execution_approve");
    folder.file("up.js", `console.log("v1"); await execution.approve("Pay?"); console.log("paid, v2");`);
    expect(await resume("up", "--accept-source")).toMatchObject({ code: 0, stdout: "paid, v2\n" });
  });

  it("about a tool's call waits with the execution", async () => {
    folder.file(
      "tool.js",
      `const add = { name: "add", description: "adds", input: { type: "object" }, run: ({ a, b }) => a + b };
      console.log(await chat('call: add {"a":2,"b":3}', { tools: [add] }));`,
    );
    for (const [id, answer, printed] of [
      ["yes", [], "5"],
      ["no", ["--refuse"], "not approved"],
    ] as const) {
      const begun = await folder.cli(["run", "--durable", "--approve", "ask", "--id", id, "tool.js"]);
      expect(begun).toMatchObject({ code: 80, stdout: "" });
      expect(begun.stderr).toContain("an answer to question 1: Call the tool add?");
      expect((await runs("show", id)).stdout).toContain('data      {"a":2,"b":3}');
      await runs("approve", id, ...answer);
      const { code, stdout } = await resume(id);
      expect({ code, stdout: stdout.includes(printed) }, stdout).toEqual({ code: 0, stdout: true });
    }
  });

  it("has no option that would be overlooked, and waited for ever without", async () => {
    const tries = [
      `execution.receive("x", { timeuot: "1h" })`,
      `execution.receive("x", "1h")`,
      `execution.approve("Pay?", { dta: 1 })`,
      `execution.sleep(1, { timeout: 1 })`,
    ];
    folder.file("typo.js", tries.map((code) => `await ${code}.catch((e) => console.log(e.code, e.message));`).join(""));
    const { code, stdout } = await folder.cli(["run", "--durable", "typo.js"]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        'ERR_VALIDATION Cannot receive: there is no option "timeuot"; did you mean "timeout"?\n' +
        "ERR_VALIDATION Cannot receive: options must be an object, not string\n" +
        'ERR_VALIDATION Cannot ask: there is no option "dta"; did you mean "data"?\n' +
        'ERR_VALIDATION Cannot sleep: there is no option "timeout"; the options are signal\n',
    });
  });

  it("in a run that is not durable has nobody who answers it", async () => {
    folder.file("ask.js", `await execution.approve("Pay?");`);
    const { code, stderr } = await folder.cli(["run", "ask.js"]);
    expect(code).toBe(1);
    expect(stderr).toContain("ERR_NOT_DURABLE");
    expect(stderr).toContain("hint: run it with --durable");
  });
});

describe("runs resume", () => {
  it("goes on with all that are due, and says what came of each", async () => {
    folder.file("a.js", `await execution.receive(process.argv[2]); console.log(process.argv[2]);`);
    folder.file("gone.js", `await execution.receive("gone");`);
    for (const name of ["one", "two", "three"]) expect((await run(name, "a.js", name)).code).toBe(80);
    await run("gone", "gone.js");
    for (const name of ["one", "two", "gone"]) await runs("send", name, name);
    folder.file("gone.js", `let let`);
    const { code, stdout, stderr } = await runs("resume", "--due");
    expect(code).toBe(79);
    expect(stdout).toBe("one\ntwo\n");
    expect(stderr).toContain("one: completed\n");
    expect(stderr).toMatch(/ERR_EXECUTION_SOURCE.*: geppetto-js runs resume ID --accept-source\n/);
    expect(await runs("resume", "--due", "-q")).toMatchObject({ stdout: "" });
    expect((await runs("list", "--state", "suspended")).stdout).toContain("three");
    for (const wrong of [[], ["three", "--all"], ["--due", "--all"]])
      expect((await runs("resume", ...wrong)).code).toBe(2);
    expect(await runs("resume", "none")).toMatchObject({ code: 66 });
  });

  it("keeps no keys, and needs the file of the script", async () => {
    folder.file("secret.js", `await execution.receive("x");`);
    const env = { OPENAI_API_KEY: "sk-durable-0123456789abcdef" };
    const set = ["--set", "chat.apiKey=sk-literal-0123456789abcdef", "-m", "openai:gpt-5-mini"];
    const { code } = await folder.cli(["run", "-q", ...set, "--durable", "--id", "k1", "secret.js"], { env });
    expect(code).toBe(80);
    const bytes = readFileSync(folder.journalFile, "latin1");
    expect(bytes).toContain("gpt-5-mini");
    expect(bytes).not.toContain("0123456789abcdef");
  });
});
