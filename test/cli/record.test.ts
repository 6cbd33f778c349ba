import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partOf } from "../machine/part-of.ts";
import { CANARY_KEY, runCli, ScriptFolder, type CliResult } from "./run-cli.ts";

const REPLAYS = partOf(20);
const folder = new ScriptFolder();
afterAll(() => folder.remove());

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIMES = /"(startedAt|durationMs|time|lastUpdate)":("[^"]*"|[\d.]+)/g;

/** Events with the same names for ids that come in the same order, and without times. */
function comparable(events: string): string {
  const names = new Map<string, string>();
  const named = events.replace(UUID, (id) => {
    names.set(id, names.get(id) ?? `id-${names.size}`);
    return names.get(id)!;
  });
  return named.replace(TIMES, '"$1":0');
}

const talk = folder.file(
  "talk.js",
  `const step = new ChatStepFactory().newStep();
  const conversation = new Conversation();
  for (const question of ["first", "second", "first"]) {
    conversation.addMessage("user", question);
    for await (const event of step.events(conversation)) {
      if (event.type === "partial") process.stdout.write("[" + event.delta + "]");
      if (event.type === "error") console.log(event.code);
    }
    console.log();
  }
  console.log((await chat("other", { provider: "anthropic", model: "claude-sonnet-5" })).length);`,
);
const ask = folder.file("ask.js", `console.log(await chat("first"))`);

describe("recorded answers", () => {
  const mock = new LLMock({ port: 0, chunkSize: 6 });
  const cassette = join(folder.path, "talk.cassette.json");
  const events = join(folder.path, "recorded.ndjson");
  let recorded: CliResult;
  /** Where nobody listens. */
  const nowhere = {
    OPENAI_BASE_URL: "http://127.0.0.1:1/v1",
    ANTHROPIC_BASE_URL: "http://127.0.0.1:1",
    OPENAI_API_KEY: undefined,
    ANTHROPIC_API_KEY: undefined,
  };

  beforeAll(async () => {
    await mock.start();
    mock.onMessage("first", { content: "A good day to you, and to everybody else here." });
    mock.onMessage("second", { content: "Zwei Wörter, дом 🏠 — und noch eins mehr." });
    mock.onMessage("other", { content: "From somebody else." });
    const env = { OPENAI_BASE_URL: `${mock.url}/v1`, ANTHROPIC_BASE_URL: mock.url };
    const args = ["run", "-m", "openai:gpt-5-mini", "--record", cassette, `--events=${events}`, talk];
    recorded = await runCli(args, { env });
    await mock.stop();
  });

  it("are in a readable file without keys, headers and addresses", () => {
    expect(recorded).toMatchObject({ code: 0, stderr: "" });
    const text = readFileSync(cassette, "utf8");
    expect(text).not.toContain(CANARY_KEY);
    expect(text).not.toMatch(/authorization|x-api-key|127\.0\.0\.1/i);
    const recordings = text.trim().split("\n").slice(1);
    const providers = recordings.map(
      (line) => (JSON.parse(line) as { request: { provider: string } }).request.provider,
    );
    expect(providers).toEqual(["openai", "openai", "openai", "anthropic"]);
  });

  it(`are replayed ${REPLAYS} times out of ${REPLAYS} with the same stdout and events, without a server or a key`, async () => {
    const wanted = comparable(readFileSync(events, "utf8"));
    expect(wanted.split("\n").length).toBeGreaterThan(20);
    for (let i = 0; i < REPLAYS; i++) {
      const file = join(folder.path, `replayed-${i}.ndjson`);
      const args = ["run", "-m", "openai:gpt-5-mini", "--replay", cassette, `--events=${file}`, talk];
      const { code, stdout, stderr } = await runCli(args, { env: nowhere });
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: recorded.stdout, stderr: "" });
      expect(comparable(readFileSync(file, "utf8"))).toBe(wanted);
    }
  });

  it("that are missing end in exit code 79 with the nearest and what differs", async () => {
    const script = folder.file("miss.js", `console.log(await chat("fist"))`);
    const args = ["run", "-m", "openai:gpt-5-mini", "--replay", cassette, script];
    const { code, stdout, stderr } = await runCli(args, { env: nowhere });
    expect({ code, stdout }).toEqual({ code: 79, stdout: "" });
    expect(stderr).toMatch(
      /^ReplayError \[ERR_REPLAY_MISS\]: .*the nearest of 4 in talk\.cassette\.json is recording 1, where messages\[0\]\.content differs: recorded "first", asked "fist"/,
    );
    expect(stderr).toContain("hint: record the answer by running once with --record");
  });

  it("that are missing are counted where the script goes on without them", async () => {
    const script = folder.file("caught.js", `try { await chat("fist") } catch (error) { console.log(error.name) }`);
    const result = await runCli(["run", "-m", "openai:gpt-5-mini", "--replay", cassette, script], { env: nowhere });
    expect(result).toMatchObject({ code: 0, stdout: "ReplayError\n", stderr: "1 request had no recorded answer\n" });
  });

  it("in a damaged line are named and never served, and the file stays as it is", async () => {
    const text = readFileSync(cassette, "utf8").split("\n").slice(0, 2).join("\n").slice(0, -20);
    const broken = folder.file("broken.cassette.json", text);
    const { code, stderr } = await runCli(["run", "-m", "openai", "--replay", broken, ask], {
      env: nowhere,
      cwd: folder.path,
    });
    expect(code).toBe(79);
    expect(stderr).toMatch(/^Skipping 1 damaged recording of broken\.cassette\.json: line 2: it is not JSON\n/);
    expect(readFileSync(broken, "utf8")).toBe(text);
    expect(readdirSync(folder.path).filter((name) => name.startsWith("broken"))).toEqual(["broken.cassette.json"]);
  });
});

describe.concurrent("a cassette that", () => {
  it("is not there ends in exit code 66", async () => {
    const { code, stderr } = await runCli(["run", "--replay", "none.json", ask], { cwd: folder.path });
    expect({ code, stderr }).toEqual({
      code: 66,
      stderr: "error [ERR_NO_FILE]: Cannot replay none.json: there is no such file\n",
    });
  });

  it("is a folder and is recorded to ends in exit code 74", async () => {
    const { code, stderr } = await runCli(["run", "--record", ".", ask], { cwd: folder.path });
    expect(code).toBe(74);
    expect(stderr).toMatch(/^error \[ERR_OUTPUT\]: Cannot record to .*: it is a folder\n$/);
  });

  it("lies in no folder ends in exit code 74", async () => {
    folder.file("file", "");
    const { code, stderr } = await runCli(["run", "--record", "file/tape.json", ask], { cwd: folder.path });
    expect({ code, stderr }).toEqual({
      code: 74,
      stderr: "error [ERR_OUTPUT]: Cannot record to file/tape.json: a file stands where its folder should be\n",
    });
  });

  it.skipIf(process.platform !== "linux")(
    "cannot be written is said, the script runs, and the exit code is 74",
    async () => {
      const script = folder.file("two.js", `await chat("echo: a"); console.log(await chat("echo: b"))`);
      const { code, stdout, stderr } = await runCli(["run", "--record", "/proc/self/tape.json", script]);
      expect({ code, stdout }).toEqual({ code: 74, stdout: "b\n" });
      expect(stderr.match(/Cannot write the recordings to tape\.json: ENOENT/g)).toHaveLength(1);
      expect(stderr).toContain(
        "error [ERR_OUTPUT]: Cannot keep every answer in tape.json: there is no such file or folder\n",
      );
    },
  );

  it.each([
    ["of a newer version", '{"format":"geppetto-cassette/9"}\n', /a newer version of geppetto-js made it/],
    ["nested 200,000 deep", `{"a":${"[".repeat(200_000)}`, /it is nested more than 250 deep/],
    ["that is another file", "export default 1;\n", /it is not JSON/],
  ])("is one %s ends in exit code 78 before the script starts, and is left as it is", async (name, text, why) => {
    const file = folder.file(`${name.replaceAll(/\W/g, "-")}.json`, text);
    const script = folder.file("prints.js", "console.log('started')");
    for (const flag of ["--replay", "--record"]) {
      const { code, stdout, stderr } = await runCli(["run", flag, file, script]);
      expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
      expect(stderr).toMatch(/^error \[ERR_CASSETTE\]: Cannot use the cassette /);
      expect(stderr).toMatch(why);
      expect(readFileSync(file, "utf8")).toBe(text);
    }
  });

  it("is recorded and replayed in one go is wrong use", async () => {
    const { code, stderr } = await runCli(["run", "--record", "a.json", "--replay", "b.json", ask]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot be used with/);
  });

  it("keeps what the demo model answers, its failures and its tool calls", async () => {
    const cassette = join(folder.path, "demo.cassette.json");
    const script = folder.file(
      "demo.js",
      `const tool = { name: "double", description: "", input: { type: "object" }, run: ({ n }) => n * 2 };
      console.log(await chat('call: double {"n":21}', { tools: [tool] }));
      try { await chat("error: 429") } catch (error) { console.log(error.name, error.code) }`,
    );
    const first = await runCli(["run", "-q", "--record", cassette, script]);
    const again = await runCli(["run", "-q", "--replay", cassette, script]);
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/42[^]*ERR_RATE_LIMIT\n$/);
    expect({ code: again.code, stdout: again.stdout }).toEqual({ code: 0, stdout: first.stdout });
  });
});
