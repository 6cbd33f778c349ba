import { afterAll, describe, expect, it } from "vitest";
import { HAS_TERMINAL, OnTerminal } from "./repl/on-terminal.ts";
import { LOG_FILE, ScriptFolder, startCli } from "./run-cli.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

const streaming = folder.file(
  "streaming.js",
  `new ChatStepFactory().newStep().runWithEvents("slow: 50ms\\necho: " + "word ".repeat(40_000), (event) => {
    console.log(event.type);
  });`,
);
const stubborn = folder.file(
  "stubborn.js",
  `const step = new ChatStepFactory().newStep();
  const again = () => step.runWithEvents("slow: 600s\\necho: x", (event) => { console.log(event.type); if (event.type === "interrupt") again(); });
  again();`,
);
const spinning = folder.file("spinning.js", `console.log("go"); for (;;);`);

describe.concurrent("a signal", () => {
  it("from Ctrl-C cancels what runs: the script hears an interrupt, exit code 130", async () => {
    const cli = startCli(["run", "-q", streaming]);
    await cli.seen("partial");
    cli.child.kill("SIGINT");
    const { code, stdout, stderr } = await cli.result;
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    expect(stdout).toMatch(/^start\n(partial\n)+interrupt\n$/);
  });

  it("from a second Ctrl-C ends the script at once", async () => {
    const cli = startCli(["run", stubborn]);
    await cli.seen("start");
    cli.child.kill("SIGINT");
    await cli.seen("interrupt\nstart");
    cli.child.kill("SIGINT");
    const { code, stderr } = await cli.result;
    expect(code).toBe(130);
    expect(stderr).toMatch(/interrupted\n$/);
  });

  it.each(["process", "thread"])(
    "from Ctrl-C ends a script that only computes, with --isolation %s",
    async (isolation) => {
      const cli = startCli(["run", "--isolation", isolation, spinning]);
      await cli.seen("go");
      cli.child.kill("SIGINT");
      expect(await cli.result).toMatchObject({ code: 130, stderr: "interrupted\n" });
    },
  );

  it("SIGTERM ends the script at once: exit code 143", async () => {
    const cli = startCli(["run", "-q", streaming]);
    await cli.seen("partial");
    cli.child.kill("SIGTERM");
    expect(await cli.result).toMatchObject({ code: 143, stderr: "" });
  });

  it.skipIf(!HAS_TERMINAL)("from a terminal that is closed ends the script: exit code 129", async () => {
    const env = { GEPPETTO_LOG: LOG_FILE, XDG_CONFIG_HOME: folder.path, XDG_CACHE_HOME: folder.path };
    await using terminal = new OnTerminal(["run", streaming], { env, cwd: folder.path });
    await terminal.seen("partial");
    terminal.hangUp();
    expect(await terminal.ended()).toBe(129);
  });

  it("is part of the document of --json", async () => {
    const cli = startCli(["run", "--json", "--events", stubborn]);
    await cli.seen('"type":"start"');
    cli.child.kill("SIGTERM");
    const { code, stdout } = await cli.result;
    expect(code).toBe(143);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, end: "aborted", exitCode: 143 });
  });
});
