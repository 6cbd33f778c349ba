import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { EXIT } from "../../../src/errors/exit-codes.ts";
import { childrenOf } from "../../machine/children-of.ts";
import { patience } from "../../machine/patience.ts";
import { type CliOptions, runCli, ScriptFolder, startCli } from "../run-cli.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

const file = (name: string, text: string): string => folder.file(name, text);
const EVAL = ["eval", "-q"];

/** How each code comes about on the command line. */
const CASES: Record<
  keyof typeof EXIT,
  readonly (readonly [what: string, args: readonly string[], more?: CliOptions])[]
> = {
  ok: [["a script that completes", [...EVAL, "1"]]],
  uncaught: [
    ["an error that nobody catches", [...EVAL, "throw new Error('on purpose')"]],
    ["wrong types", ["check", file("typed.ts", "const a: string = 1;")]],
    ["a failed test", ["test", file("tested.js", "console.log(1);")], { env: { CI: "true" } }],
  ],
  usage: [
    ["no script", ["run"]],
    ["an unknown option", ["run", "--no-such", "a.js"]],
  ],
  load: [
    ["a script that does not parse", ["run", file("syntax.js", "let a = ;")]],
    ["the same for check", ["check", file("syntax.js", "let a = ;")]],
  ],
  noFile: [["a script that is not there", ["run", "nowhere.js"]]],
  provider: [["a provider that fails", [...EVAL, "--set", "retry.attempts=1", "await chat('error: 500')"]]],
  bug: [
    [
      "an error of the program itself",
      [...EVAL, "for (;;);"],
      { nodeArgs: ["--require", file("bug.cjs", "setTimeout(() => { throw new TypeError('of ours'); }, 50);")] },
    ],
  ],
  output: [["types that cannot be written", ["types", "--out", folder.path]]],
  rateLimit: [["a rate limit", [...EVAL, "--set", "retry.attempts=1", "await chat('error: 429')"]]],
  permission: [["an import that is not allowed", ["run", file("denied.js", 'import "/etc/hosts.js";')]]],
  config: [
    ["a profile that is not there", [...EVAL, "-p", "nowhere", "1"]],
    ["a debugger", [...EVAL, "--inspect", "1"]],
  ],
  replay: [
    [
      "no recorded answer",
      [...EVAL, "--replay", file("empty.json", '{"format":"geppetto-cassette/2"}\n'), "await chat('hi')"],
    ],
  ],
  time: [["the time limit", [...EVAL, "--timeout", `${patience(300)}ms`, "for (;;);"]]],
  limit: [
    ["too many model calls", [...EVAL, "--max-calls", "1", "await chat('echo: a'); await chat('echo: b')"]],
    ["too much memory", [...EVAL, "--memory", "16MB", "let a = []; for (;;) a.push(new Array(1000).fill(1));"]],
  ],
  // These come from outside: see below.
  hangup: [],
  interrupted: [],
  terminated: [],
  crashed: [],
  suspended: [
    [
      "an execution that waits for an answer",
      ["run", "-q", "--durable", file("asks.js", "await execution.approve('Go on?');")],
      { env: { GEPPETTO_JOURNAL: join(folder.path, "executions.db") } },
    ],
  ],
};

describe.concurrent("the exit code", () => {
  const cases = Object.entries(CASES).flatMap(([name, ways]) =>
    ways.map(([what, args, more = {}]) => ({ code: EXIT[name as keyof typeof EXIT], what, args, more })),
  );

  it.each(cases)("$code is for $what", async ({ code, args, more }) => {
    expect((await runCli(args, more)).code).toBe(code);
  });

  it.each([0, 7, 63])("%i is the script's own", async (code) => {
    expect((await runCli([...EVAL, `process.exit(${code})`])).code).toBe(code);
  });

  it.each([
    ["SIGHUP", EXIT.hangup],
    ["SIGINT", EXIT.interrupted],
    ["SIGTERM", EXIT.terminated],
  ] as const)("of %s is %i", async (signal, code) => {
    const cli = startCli([...EVAL, "console.log('runs'); for (;;);"]);
    await cli.seen("runs");
    cli.child.kill(signal);
    expect((await cli.result).code).toBe(code);
  });

  it.skipIf(process.platform !== "linux")("134 is for an engine that dies", async () => {
    const cli = startCli([...EVAL, "console.log('runs'); for (;;);"]);
    await cli.seen("runs");
    for (const child of childrenOf(cli.child.pid!)) process.kill(child, "SIGKILL");
    expect((await cli.result).code).toBe(EXIT.crashed);
  });

  it.skipIf(process.platform !== "linux")("74 is for a disk that is full", () => {
    const main = new URL("../../../dist/cli/main.cjs", import.meta.url).pathname;
    const line = `'${process.execPath}' '${main}' completion bash > /dev/full`;
    expect(spawnSync("sh", ["-c", line]).status).toBe(EXIT.output);
  });

  it("has a test for each that there is", () => {
    expect(Object.keys(CASES).sort()).toEqual(Object.keys(EXIT).sort());
  });
});
