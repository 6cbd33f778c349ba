import { afterAll, describe, expect, it } from "vitest";
import { ConfigFolder } from "./config-folder.ts";
import { runCli, ScriptFolder } from "./run-cli.ts";
import { patience } from "../machine/patience.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

const hello = folder.file(
  "hello.js",
  `console.log("hello", process.argv[2], process.env.NAME, input());
  console.log(await chat("echo: hi"), (await embeddings.generateEmbedding("tea")).length > 0);
  const conversation = new Conversation();
  conversation.addMessage("user", "echo: bye");
  for await (const event of new ChatStepFactory().newStep().events(conversation)) console.log(event.type);
  await new Promise((end) => setTimeout(end, 10));
  export default (await doubleStep.startAsync(21))[0];`,
);

describe.concurrent("a script that is not trusted", () => {
  it("runs with all that a script has", async () => {
    const args = ["run", "-q", "--untrusted", "-e", "NAME=Ann", "--input", folder.file("in.txt", "in"), hello, "a"];
    const { code, stdout, stderr } = await runCli(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe("hello a Ann in\nhi true\nstart\npartial\nfinal\n42\n");
  });

  it("is told with which limits it runs, which options lower and never raise", async () => {
    const first = async (...args: string[]): Promise<string> =>
      (await runCli(["eval", "-v", "--untrusted", ...args, "1"])).stderr.split("\n")[0]!;
    expect(await first()).toBe("eval: embedded:demo, strict process isolation, 64 MB, 1 min");
    expect(await first("--memory", "512MB", "--timeout", "1h")).toMatch(/64 MB, 1 min$/);
    expect(await first("--memory", "32MB", "--timeout", "5s")).toMatch(/32 MB, 5 s$/);
  });

  it.each([
    ["prints too much", "for (;;) console.log('x'.repeat(10_000))", /ERR_LIMIT_OUTPUT/],
    ["fills memory", "const all = []; for (;;) all.push(new Array(1e5).fill(all.length))", /ERR_LIMIT_MEMORY/],
  ])("and %s is ended with exit code 125 and told that no option helps", async (_, code, text) => {
    const result = await runCli(["eval", "--untrusted", "--memory", "256MB", code]);
    expect(result.code).toBe(125);
    expect(result.stderr).toMatch(text);
    expect(result.stderr).toMatch(/hint: --untrusted allows at most 1 min, 10 s of it computing, 64 MB/);
  });

  it("runs in a process, whatever files and the environment say", async () => {
    const own = new ConfigFolder();
    try {
      own.user("isolation: thread");
      const { code, stderr } = await own.cli(["eval", "-v", "--untrusted", "1"]);
      expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("strict process isolation") });
      expect((await own.cli(["eval", "-v", "1"])).stderr).toContain(" thread isolation");
    } finally {
      own.remove();
    }
  });

  it("cannot run in a thread", async () => {
    const { code, stderr } = await runCli(["eval", "--untrusted", "--isolation", "thread", "1"]);
    expect(code).toBe(78);
    expect(stderr).toMatch(/strict/);
  });
});

describe.concurrent("the limit on computing", () => {
  it("ends a script that computes for longer", async () => {
    const { code, stderr } = await runCli(["eval", "--cpu", "200ms", "for (;;);"]);
    expect(code).toBe(125);
    expect(stderr).toMatch(/^LimitError \[ERR_LIMIT_CPU\].*200 ms.*--cpu/);
  });

  it("leaves a script alone that waits for longer", async () => {
    const cpuMs = patience(500);
    const code = `await new Promise((end) => setTimeout(end, ${cpuMs + 200})); 'waited'`;
    expect(await runCli(["eval", "--cpu", `${cpuMs}ms`, code])).toMatchObject({ code: 0, stdout: "waited\n" });
  });
});
