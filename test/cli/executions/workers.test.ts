import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasNatsServer, NatsServer } from "../../events/nats-server.ts";
import { patience } from "../../machine/patience.ts";
import { type CliProcess, runCli, ScriptFolder, startCli } from "../run-cli.ts";

let server: NatsServer;
const scripts = new ScriptFolder();
const workers: CliProcess[] = [];

async function startWorker(name: string, ...flags: string[]): Promise<CliProcess> {
  const worker = startCli(["worker", "--nats", server.address, "--name", name, "--model", "embedded:demo", ...flags]);
  workers.push(worker);
  await worker.seen(`worker ${name} takes jobs`);
  return worker;
}

describe.skipIf(!hasNatsServer)("geppetto-js over NATS", () => {
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterEach(async () => {
    for (const { child } of workers) child.kill("SIGTERM");
    await Promise.all(workers.splice(0).map(({ result }) => result));
  });
  afterAll(async () => {
    scripts.remove();
    await server.stop();
  });

  it("submits a script, says that nobody is there, and follows it once somebody is", async () => {
    const script = scripts.file(
      "greet.js",
      `console.log(await chat("echo: hello " + process.argv[2])); process.exit(3)`,
    );
    const submit = ["submit", script, "you", "--nats", server.address, "--id", "greet"];
    const submitted = await runCli(submit);
    expect(submitted).toMatchObject({ code: 0, stdout: "greet\n" });
    expect(submitted.stderr).toBe("no worker of the pool default is there: 1 job waits\n");
    await startWorker("w1");
    const followed = await runCli([...submit, "--follow", "-q"]);
    expect(followed).toMatchObject({ code: 3, stdout: "hello you\n", stderr: "" });
    const items = await runCli([...submit, "--follow", "--json"]);
    const last = JSON.parse(items.stdout.trim().split("\n").at(-1)!) as object;
    expect(last).toMatchObject({ type: "end", outcome: { end: "exit", exitCode: 3 } });
  });

  it("lists, shows and cancels what waits in the queue, as what it is", async () => {
    const env = { GEPPETTO_NATS: server.address };
    const script = scripts.file("late.js", `console.log("ran")`);
    const pool = ["--pool", "nobody", "-q"];
    for (const id of ["late-1", "late-2", "late-3"]) await runCli(["submit", script, "--id", id, ...pool], { env });
    const ids = async (...flags: string[]): Promise<string[]> => {
      const { stdout } = await runCli(["runs", "list", "--script", "late.js", "--json", ...flags], { env });
      return stdout.split("\n").flatMap((line) => {
        if (line === "") return [];
        const { id, state, isExecution } = JSON.parse(line) as { id: string; state: string; isExecution: boolean };
        return `${id} ${state} ${isExecution}`;
      });
    };
    expect(await ids()).toEqual(["late-3 queued true", "late-2 queued true", "late-1 queued true"]);
    expect(await ids("--limit", "1")).toEqual(["late-3 queued true"]);
    expect(await ids("--state", "running")).toEqual([]);
    expect((await runCli(["runs", "list", "--state", "queued"], { env })).stdout).toMatch(
      /late-3 .* late\.js +queued /,
    );
    const shown = await runCli(["runs", "show", "late-2"], { env });
    expect(shown.stdout).toMatch(/^execution +late-2\n.*^pool +nobody\n.*^state +queued: no worker has begun it$/ms);
    const following = startCli(["runs", "show", "late-3", "--follow"], { env });
    await following.seen("no worker has begun it");
    const told = await runCli(["runs", "send", "late-1", "word"], { env });
    expect(told).toMatchObject({ code: 66 });
    expect(told.stderr).toContain("the execution late-1 waits in the queue, no worker has begun it");
    expect(await runCli(["runs", "cancel", "late-1"], { env })).toMatchObject({
      code: 0,
      stderr: "cancelled: late-1\n",
    });
    expect((await runCli(["runs", "cancel", "late-1"], { env })).stderr).toContain("has ended");
    await startWorker("w7", "--pool", "nobody");
    expect((await following.result).stdout).toContain("ran");
    const ended = ["late-1 failed true", "late-2 completed true", "late-3 completed true"];
    await expect.poll(async () => (await ids()).sort(), { timeout: patience(20_000) }).toEqual(ended);
  });

  it("answers, lists and ends executions on the server", async () => {
    const env = { GEPPETTO_NATS: server.address };
    const script = scripts.file("ask.js", `console.log((await execution.approve("Go on?")).note);`);
    await startWorker("w2");
    await runCli(["submit", script, "--id", "ask"], { env });
    const state = async (): Promise<string> => (await runCli(["runs", "list", "--script", "ask.js"], { env })).stdout;
    await expect.poll(state).toContain("an answer to question 1: Go on?");
    const shown = await runCli(["runs", "show", "ask"], { env });
    expect(shown.stdout).toContain("script      ask.js\n");
    expect(shown.stdout).toContain("type      geppetto-js runs approve ask --question 1 --nats URL\n");
    const approved = await runCli(["runs", "approve", "ask", "--note", "fine"], { env });
    expect(approved.stderr).toBe("approved; a worker goes on with it\n");
    const followed = await runCli(["submit", script, "--id", "ask", "--follow", "-q"], { env });
    expect(followed).toMatchObject({ code: 0, stdout: "fine\n" });
    expect((await runCli(["runs", "show", "ask", "--json"], { env })).stdout).toContain('"state":"completed"');
    expect((await runCli(["runs", "cancel", "ask"], { env })).stderr).toContain("has ended");
  });

  it("follows to the result, or to the error with its place, and ends with the exit code of run", async () => {
    await startWorker("w6", "--cpu", "2s");
    const follow = async (
      name: string,
      code: string,
    ): Promise<{ code: number | null; stdout: string; stderr: string }> =>
      runCli(["submit", scripts.file(name, code), "--nats", server.address, "--follow", "-q"]);
    expect(await follow("value.js", `console.log("out"); done({ r: 1 })`)).toMatchObject({
      code: 0,
      stdout: "out\n{ r: 1 }\n",
      stderr: "",
    });
    const thrown = await follow("thrown.js", `throw new TypeError("no")`);
    expect(thrown).toMatchObject({ code: 1, stdout: "" });
    expect(thrown.stderr).toMatch(/^TypeError: no\n\n> 1 \| throw new TypeError\("no"\)\n/);
    const failed = await Promise.all([
      follow("load.js", "not a script("),
      follow("rate.js", `await chat("error: 429")`),
      follow("unseen.js", `doubleStep.runWithEvents("x", () => {}); await execution.sleep(1)`),
      follow("busy.js", "for (;;);"),
      follow("denied.js", `await fetch("https://example.com")`),
    ]);
    expect(failed.map(({ code }) => code)).toEqual([65, 75, 1, 125, 77]);
    expect(failed[1].stderr).toContain("ProviderError [ERR_RATE_LIMIT]: ");
    expect(failed[2].stderr).toContain("warning: a run has failed, and the script has not looked at its error");
  });

  it("says what is wrong with the server's address, the name, or the server", async () => {
    const script = scripts.file("one.js", "1");
    const unnamed = await runCli(["submit", script]);
    expect(unnamed.stderr).toContain("say where it is with --nats URL, or GEPPETTO_NATS");
    const secret = await runCli(["submit", script, "--nats", "http://me:secret@"]);
    expect(secret.stderr).not.toContain("secret");
    for (const address of ["nats://", "nats:// x", "a..b", "127.0.0.1:99999", "127.0.0.1:port", "http://127.0.0.1"])
      expect(await runCli(["worker", "--nats", address]), address).toMatchObject({ code: 2, stdout: "" });
    const away = await runCli(["submit", script, "--nats", "127.0.0.1:1"]);
    expect(away).toMatchObject({ code: 74 });
    expect(away.stderr).toContain("error [ERR_NATS]: Cannot connect to NATS at 127.0.0.1:1");
    await startWorker("w3");
    const twin = await runCli(["worker", "--nats", server.address, "--name", "w3"]);
    expect(twin).toMatchObject({ code: 78 });
    expect(twin.stderr).toContain("one of the name w3 is there already");
  });

  it("starts a worker before its server, and has it go on with one that has come back empty", async () => {
    const late = await NatsServer.start();
    const env = { GEPPETTO_NATS: late.address };
    const script = scripts.file("early.js", `console.log("ran")`);
    const submit = async (): Promise<string> =>
      (await runCli(["submit", script, "--id", "early", "--follow", "-q"], { env })).stdout;
    try {
      await late.kill();
      const worker = startCli(["worker", "--name", "w8"], { env });
      workers.push(worker);
      await worker.seen(`waiting: Cannot connect to NATS at ${late.address}`);
      await late.revive();
      await worker.seen("worker w8 takes jobs");
      expect(await submit()).toBe("ran\n");
      await late.kill();
      await worker.seen("The NATS server is away: waiting for it");
      late.empty();
      await late.revive();
      await worker.seen("The NATS server is there again");
      await worker.seen("its streams were made again");
      // It knows nothing of the one before.
      expect(await submit()).toBe("ran\n");
    } finally {
      for (const { child } of workers) child.kill("SIGTERM");
      await Promise.all(workers.splice(0).map(({ result }) => result));
      await late.stop();
    }
  });

  it("has another worker go on when one is told to stop", async () => {
    const env = { GEPPETTO_NATS: server.address };
    const script = scripts.file(
      "slow.js",
      `console.log("one"); await new Promise((resolve) => setTimeout(resolve, 2000)); console.log("two", execution.attempt)`,
    );
    const first = await startWorker("w4");
    const following = startCli(["submit", script, "--id", "slow", "--follow", "-q"], { env });
    await following.seen("one");
    first.child.kill("SIGTERM");
    expect(await first.result).toMatchObject({ code: 0 });
    await startWorker("w5");
    expect(await following.result).toMatchObject({ code: 0, stdout: "one\ntwo 2\n" });
  });
});
