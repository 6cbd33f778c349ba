import { truncateSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OpenAIServer } from "../recordings/openai-server.ts";
import { IN_CI, NOWHERE, TestFolder } from "./test-folder.ts";

const folders: TestFolder[] = [];
let server: OpenAIServer;
beforeAll(async () => {
  server = await OpenAIServer.start();
});
afterAll(async () => {
  for (const folder of folders) folder.remove();
  await server.stop();
});

const MODEL = ["-m", "openai:gpt-5-mini"];
const online = (): Record<string, string> => ({ OPENAI_BASE_URL: server.baseURL });
const ASKS = `console.log(await chat("one"));\nconsole.log(await chat("two"));\n`;
const HEADER = `{"format":"geppetto-cassette/2"}\n`;

function folderOf(texts: Record<string, string>): TestFolder {
  const folder = new TestFolder().files(texts);
  folders.push(folder);
  return folder;
}

/** A folder with a test whose answers are recorded. */
async function recorded(): Promise<TestFolder> {
  const folder = folderOf({ "a.js": ASKS });
  expect(await folder.test(MODEL, { env: online() })).toMatchObject({ code: 0 });
  return folder;
}

describe.concurrent("the cassette of a test", () => {
  it("is not written for a script that fails, nor is its golden", async () => {
    const folder = folderOf({ "a.js": `${ASKS}throw new Error("late");` });
    expect(await folder.test(MODEL, { env: online() })).toMatchObject({ code: 1 });
    expect(Object.keys(folder.state())).toEqual(["a.js"]);
  });

  it("keeps what failed, where the script looks at it", async () => {
    const folder = folderOf({ "a.js": `try { await chat("fail"); } catch (error) { console.log(error.code); }` });
    expect(await folder.test(MODEL, { env: online() })).toMatchObject({ code: 0 });
    expect(await folder.test(MODEL, { env: { OPENAI_BASE_URL: NOWHERE } })).toMatchObject({ code: 0 });
  });

  it("keeps vectors, and answers to several models", async () => {
    const folder = folderOf({
      "a.js": `console.log((await embeddings.generateEmbeddings(["a", "bc"])).map((v) => [...v].map((x) => x.toFixed(2))));
        console.log(String((await new ChatStepFactory().newStep({ provider: "embedded" }).startAsync("echo: hi"))[0]));
        console.log(await chat("three"));`,
    });
    const flags = [...MODEL, "--set", "embeddings.provider=openai", "--set", "embeddings.model=e"];
    expect(await folder.test(flags, { env: online() })).toMatchObject({ code: 0 });
    const env = { OPENAI_BASE_URL: NOWHERE, ...IN_CI };
    expect(await folder.test(flags, { env })).toMatchObject({ code: 0 });
    expect(folder.read("a.cassette.json").trimEnd().split("\n")).toHaveLength(4);
  });

  it("needs none of what the embedded models answer, but has what it has", async () => {
    const folder = folderOf({ "a.js": `console.log(await chat("echo: hello"));`, "a.golden": "hello\n" });
    expect(await folder.test([], { env: IN_CI })).toMatchObject({ code: 0 });
    expect(await folder.test()).toMatchObject({ code: 0 });
    expect(folder.has("a.cassette.json")).toBe(false);
    folder.files({ "a.cassette.json": HEADER });
    const { code, stdout } = await folder.test([], { env: IN_CI });
    expect(code).toBe(1);
    expect(stdout).toContain("there are no recordings in a.cassette.json");
  });

  it("lists what a script that passes no longer asks, and keeps all that one that fails may yet ask", async () => {
    const folder = await recorded();
    folder.files({ "a.js": `console.log(await chat("one"));\nthrow new Error("early");` });
    expect((await folder.test(["-u", ...MODEL])).stdout).toContain("0 obsolete");
    folder.files({ "a.js": `console.log(await chat("one"));\nconsole.log("two");` });
    expect((await folder.test(MODEL)).stdout).toContain('a.cassette.json: openai:gpt-5-mini "two"');
    expect(folder.read("a.cassette.json").trimEnd().split("\n")).toHaveLength(3);
    expect((await folder.test(["-u", ...MODEL])).stdout).toContain("1 obsolete (removed)");
    expect(folder.read("a.cassette.json").trimEnd().split("\n")).toHaveLength(2);
  });

  it("of the earlier format is read, and brought into this one with what is added", async () => {
    const folder = await recorded();
    const [, first = ""] = folder.read("a.cassette.json").split("\n");
    const earlier = JSON.stringify({ format: "geppetto-cassette/1", recordings: [JSON.parse(first)] }, undefined, 2);
    folder.files({ "a.cassette.json": earlier });
    expect(await folder.test(MODEL, { env: { ...online(), ...IN_CI } })).toMatchObject({ code: 1 });
    expect(folder.read("a.cassette.json")).toBe(earlier);
    const { requests } = server;
    expect((await folder.test(MODEL, { env: online() })).stdout).toContain("1 answer added to a.cassette.json");
    expect(server.requests).toBeGreaterThan(requests);
    expect(folder.read("a.cassette.json")).toContain(HEADER);
    expect(await folder.test(MODEL, { env: { OPENAI_BASE_URL: NOWHERE } })).toMatchObject({ code: 0 });
  });

  const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
  const line = (fields: object): string =>
    JSON.stringify({
      id: "1",
      recordedAt: "2026-01-01T00:00:00.000Z",
      request: { provider: "openai", model: "m" },
      end: "complete",
      chunks: [],
      ...fields,
    });
  it.each([
    ["a newer version made it", `{"format":"geppetto-cassette/99"}\n`, "a newer version of geppetto-js made it"],
    ["it is something else", `{"name":"package"}`, "it is not a cassette"],
    ["it is not JSON", "# notes", "it is not JSON"],
    ["its last line was cut off", `${HEADER}${line({}).slice(0, 40)}`, "1 damaged recording, line 2: it is not JSON"],
    [
      "a line is nested too deeply",
      `${HEADER}${deep}\n`,
      "1 damaged recording, line 2: it is nested more than 250 deep",
    ],
    [
      "a recording has no request",
      `${HEADER}{"id":"1","recordedAt":"x"}\n`,
      "1 damaged recording, line 2: its request names no provider and model",
    ],
    [
      "its chunks are none",
      `${HEADER}${line({ chunks: [{ type: "text", delta: 7 }] })}\n`,
      "1 damaged recording, line 2: chunks[0] is not a chunk",
    ],
    [
      "__proto__ stands for its parts",
      `${HEADER}{"__proto__":${line({})}}\n`,
      "1 damaged recording, line 2: it has no id and recordedAt",
    ],
  ])("is an error and stays as it is where %s", async (_, cassette, problem) => {
    const folder = folderOf({ "a.js": ASKS, "a.golden": "one\ntwo\n", "a.cassette.json": cassette });
    const { code, stdout } = await folder.test(MODEL, { env: online() });
    expect(stdout).toContain(`Cannot use the cassette a.cassette.json: ${problem}`);
    expect(code).toBe(78);
    expect(folder.read("a.cassette.json")).toBe(cassette);
  });

  it("is an error where it is larger than can be read", async () => {
    const folder = folderOf({ "a.js": ASKS, "a.golden": "x", "a.cassette.json": HEADER });
    truncateSync(`${folder.path}/a.cassette.json`, 65_000_000);
    const { code, stdout } = await folder.test(MODEL);
    expect(stdout).toContain("Cannot use the cassette a.cassette.json: it is larger than 64 MB");
    expect(code).toBe(78);
  });

  it("with __proto__ within its parts gives that to nobody", async () => {
    const folder = await recorded();
    const [head, first = "", second = ""] = folder.read("a.cassette.json").split("\n");
    const planted = first.replace(`"end":"complete"`, `"end":"complete","__proto__":{"planted":true}`);
    folder.files({ "a.cassette.json": [head, planted, second, ""].join("\n") });
    expect(await folder.test(MODEL, { env: IN_CI })).toMatchObject({ code: 0 });
  });

  it("cannot be that of two scripts: neither runs", async () => {
    const folder = folderOf({ "a.js": `console.log("js")`, "a.ts": `console.log("ts")`, "b.js": `console.log("b")` });
    folder.files({ "a.golden": "js\n" });
    const { code, stdout } = await folder.test();
    expect(stdout).toContain(
      "a.js and a.ts are two tests with one golden, a.golden, and one cassette, a.cassette.json: rename one",
    );
    expect(stdout).toContain("1 passed, 2 failed, 1 written");
    expect(code).toBe(78);
    expect(await folder.test(["a.js"])).toMatchObject({ code: 0 });
  });

  it("that the disk has no room for is as it was, as is the golden, and the test has failed: exit code 74", async () => {
    const folder = folderOf({ "a.js": `console.log((await chat("echo: " + "x".repeat(40_000))).length);` });
    const { code, stdout } = await folder.inShell('ulimit -f 8; exec "$@"', ["test"]);
    expect(stdout).toContain("Cannot write a.cassette.json: the file would be too large");
    expect(code).toBe(74);
    expect(folder.has("a.golden")).toBe(false);
    expect(folder.has("a.cassette.json") ? folder.read("a.cassette.json") : "").toBe("");
    expect(await folder.test()).toMatchObject({ code: 0 });
  });
});
