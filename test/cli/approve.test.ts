import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { LOG_FILE, runCli, ScriptFolder } from "./run-cli.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

const agent = folder.file(
  "agent.js",
  `const tool = (name) => ({
    name, description: "", input: { type: "object" },
    run: (input) => { console.log("ran", name); return input.n ?? "done" },
  });
  const question = 'call: first {"n":1}\\ncall: second {"n":2}\\ncall: second {"n":3}';
  for await (const event of new ChatStepFactory().newStep({ tools: ["first", "second"].map(tool) }).events(question)) {
    if (event.type === "tool-result") console.log(event.toolResult.isError ?? false, event.toolResult.result);
  }`,
);
const ALL = [
  ["ran first", "ran second", "ran second"],
  ["false 1", "false 2", "false 3"],
];
const NONE = "true Error: the call was not approved\n".repeat(3);

/** What ran, and what came of it; the calls of a round run beside each other, and a result need not wait for the others. */
function story(text: string): string[][] {
  const lines = text.split("\n");
  return ["ran", "false"].map((start) => lines.filter((line) => line.startsWith(start)));
}

describe.concurrent("tool calls", () => {
  it("are made without a question by default, and with --approve always", async () => {
    expect(story((await runCli(["run", "-q", agent])).stdout)).toEqual(ALL);
    expect(story((await runCli(["run", "-q", "--approve", "always", agent])).stdout)).toEqual(ALL);
  });

  it("are refused with --approve never, which the model is told", async () => {
    expect(await runCli(["run", "-q", "--approve", "never", agent])).toMatchObject({
      code: 0,
      stdout: NONE,
      stderr: "",
    });
    expect(await runCli(["run", "-q", agent], { env: { GEPPETTO_APPROVE: "never" } })).toMatchObject({ stdout: NONE });
  });

  it("are refused with --approve ask where there is nobody to ask, said once on stderr", async () => {
    const { code, stdout, stderr } = await runCli(["run", "-q", "--approve", "ask", agent], { input: "y\ny\ny\n" });
    expect({ code, stdout }).toEqual({ code: 0, stdout: NONE });
    expect(stderr).toBe('Refusing the call of "first", and all others: --approve ask needs a terminal to ask on\n');
  });

  it("stay refused whatever the script's options say", async () => {
    const script = folder.file(
      "loose.js",
      `export const options = { tools: { approve: "always" } };
      const tool = { name: "t", description: "", input: { type: "object" }, run: () => console.log("ran") };
      await chat("call: t {}", { tools: [tool] });`,
    );
    expect((await runCli(["run", "-q", "--approve", "never", script])).stdout).toBe("");
  });

  it("are refused where the script's own options say so", async () => {
    const script = folder.file(
      "strict.js",
      `export const options = { tools: { approve: "never" } };
      const tool = { name: "t", description: "", input: { type: "object" }, run: () => console.log("ran") };
      await chat("call: t {}", { tools: [tool] });`,
    );
    expect((await runCli(["run", "-q", script])).stdout).toBe("");
    expect((await runCli(["run", "-q", "--approve", "always", script])).stdout).toBe("");
  });
});

/** A program of util-linux that gives another one a terminal. */
const SCRIPT = "script";
const hasScript = process.platform === "linux" && spawnSync(SCRIPT, ["--version"]).status === 0;
if (!hasScript) console.warn("SKIPPED: the command script (util-linux) is needed to try a real terminal");
const main = fileURLToPath(new URL("../../dist/cli/main.cjs", import.meta.url));
const QUESTION = "[a]lways: ";

/** Types one answer after each question, and shows what the terminal shows. */
async function typing(
  answers: readonly string[],
  file: string = agent,
): Promise<{ code: number | null; screen: string }> {
  const { PATH } = process.env;
  const command = `'${process.execPath}' '${main}' run --approve ask -q '${file}'`;
  const child = spawn(SCRIPT, ["-qec", command, "/dev/null"], {
    env: { PATH, TERM: "xterm", NO_COLOR: "1", GEPPETTO_LOG: LOG_FILE, XDG_CONFIG_HOME: folder.path },
  });
  let screen = "";
  let answered = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text.replaceAll("\r\n", "\n");
    while (screen.split(QUESTION).length - 1 > answered) child.stdin.write(answers[answered++] ?? "\x04");
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, screen };
}

describe.skipIf(!hasScript)("on a terminal --approve ask", () => {
  it("asks for each call with its input, and makes those that get a yes", async () => {
    const { code, screen } = await typing(["y\n", "n\n", "\n"]);
    expect(code).toBe(0);
    expect(screen).toContain('Call first({"n":1})? [y]es, [N]o, [a]lways: y\n');
    expect(screen).toContain('Call second({"n":3})? ');
    expect(story(screen)).toEqual([["ran first"], ["false 1"]]);
    expect(screen.match(/^true Error: the call was not approved$/gm)).toHaveLength(2);
  });

  it("writes nothing of the script's while it waits for an answer", async () => {
    const file = folder.file(
      "chatty.js",
      `const tool = { name: "t", description: "", input: { type: "object" }, run: () => 1 };
      const talk = setInterval(() => console.log("Call harmless({})? [y/N]"), 1);
      await chat("call: t {}", { tools: [tool] });
      clearInterval(talk);`,
    );
    const { screen } = await typing(["n\n"], file);
    expect(screen).toContain("Call t({})? [y]es, [N]o, [a]lways: n\n");
  });

  it("asks no more for a tool that gets an always", async () => {
    const { screen } = await typing(["no\n", "a\n"]);
    expect(screen.split(QUESTION)).toHaveLength(3);
    expect(screen.match(/ran \w+/g)).toEqual(["ran second", "ran second"]);
  });

  it("takes the end of the input for a no", async () => {
    const { code, screen } = await typing([]);
    expect(code).toBe(0);
    expect(screen).not.toContain("ran");
    // Whatever comes after the question begins on a line of its own.
    expect(screen).toContain("[a]lways: \ntrue Error: the call was not approved\n");
  });

  it("is left by Ctrl-C", async () => {
    const { code, screen } = await typing(["\x03"]);
    expect(code).toBe(130);
    expect(screen).not.toContain("ran");
  });

  it("shows what would steer the terminal as pictures of it", async () => {
    const file = folder.file(
      "steering.js",
      `const tool = { name: "t", description: "", input: { type: "object" }, run: () => 1 };
      await chat('call: t {"x":"\\u009b2J \\u202e"}', { tools: [tool] });`,
    );
    const { screen } = await typing(["n\n"], file);
    expect(screen).toContain('Call t({"x":"\\u009b2J \\u202e"})?');
  });
});
