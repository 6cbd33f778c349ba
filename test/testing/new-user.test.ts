import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OpenAIServer } from "../recordings/openai-server.ts";
import { IN_CI, NOWHERE, TestFolder } from "./test-folder.ts";

const folder = new TestFolder();
afterAll(() => folder.remove());

let server: OpenAIServer;
beforeAll(async () => {
  server = await OpenAIServer.start();
});
afterAll(() => server.stop());

const MODEL = ["-m", "openai:gpt-5-mini"];
const online = (): Record<string, string> => ({ OPENAI_BASE_URL: server.baseURL });
const offline = { OPENAI_BASE_URL: NOWHERE };
const withTime = (text: string): string => text.replace(/\([\d.]+ m?s\)/g, "(TIME)");

// One after the other, as a new user goes about it.
describe("a new user", () => {
  it("writes a script, and gets its golden and its cassette with the first test", async () => {
    folder.files({ "greet.js": `console.log("It says:", await chat("Good morning"));\nconsole.log(Date.now());\n` });
    const { code, stdout, stderr } = await folder.test(MODEL, { env: online() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(withTime(stdout)).toBe(
      "ok      greet.js (TIME)\n" +
        "        greet.golden written\n" +
        "        1 answer added to greet.cassette.json\n" +
        "1 passed, 0 failed, 1 written, 0 updated, 0 obsolete (TIME)\n",
    );
    expect(folder.read("greet.golden")).toBe("It says: Good morning\n1767225600000\n");
    // The first run has asked; the other two have not.
    expect(server.requests).toBe(1);
    expect(folder.read("greet.cassette.json").trimEnd().split("\n")).toHaveLength(2);
  });

  it("tests it from then on without the network, and nothing changes", async () => {
    const before = folder.state();
    for (const env of [offline, { ...offline, ...IN_CI }]) {
      const { code, stdout } = await folder.test(MODEL, { env });
      expect({ code, stdout: withTime(stdout) }).toEqual({
        code: 0,
        stdout: "ok      greet.js (TIME)\n1 passed, 0 failed, 0 written, 0 updated, 0 obsolete (TIME)\n",
      });
    }
    expect(folder.state()).toEqual(before);
  });

  it("edits the script, and sees the difference", async () => {
    folder.files({ "greet.js": `console.log("It says", await chat("Good morning"));\nconsole.log(Date.now());\n` });
    const before = folder.state();
    const { code, stdout } = await folder.test(MODEL, { env: offline });
    expect(code).toBe(1);
    expect(withTime(stdout)).toBe(
      [
        "FAILED  greet.js (TIME)",
        "        stdout differs from greet.golden in line 1",
        "        --- greet.golden",
        "        +++ stdout",
        "        @@ -1,2 +1,2 @@",
        "        -It says: Good morning",
        "        +It says Good morning",
        "         1767225600000",
        "0 passed, 1 failed, 0 written, 0 updated, 0 obsolete (TIME)",
        "",
      ].join("\n"),
    );
    expect(folder.state()).toEqual(before);
  });

  it("takes it over with -u", async () => {
    const { code, stdout } = await folder.test(["-u", ...MODEL], { env: offline });
    expect(code).toBe(0);
    expect(stdout).toContain("greet.golden updated");
    expect(stdout).toContain("1 passed, 0 failed, 0 written, 1 updated, 0 obsolete");
    expect(folder.read("greet.golden")).toBe("It says Good morning\n1767225600000\n");
    expect(await folder.test(MODEL, { env: offline })).toMatchObject({ code: 0 });
  });

  it("asks something else: that is asked and kept before -u takes it over, and what was kept goes", async () => {
    const { requests } = server;
    folder.files({ "greet.js": `console.log("It says", await chat("Good evening"));\n` });
    const asked = await folder.test(MODEL, { env: online() });
    expect(asked).toMatchObject({ code: 1 });
    expect(asked.stdout).toContain("+It says Good evening");
    expect(server.requests).toBe(requests + 1);
    const { code, stdout } = await folder.test(["--update", ...MODEL], { env: offline });
    expect(code).toBe(0);
    expect(stdout).toContain('greet.cassette.json: openai:gpt-5-mini "Good morning"');
    expect(stdout).toContain("0 written, 1 updated, 1 obsolete (removed)");
    expect(folder.read("greet.cassette.json")).toContain("Good evening");
    expect(folder.read("greet.cassette.json")).not.toContain("Good morning");
    expect(await folder.test(MODEL, { env: offline })).toMatchObject({ code: 0 });
  });

  it("has forgotten a golden: in CI that fails, and nothing is written", async () => {
    folder.files({ "other.js": `console.log("other");\n` });
    const before = folder.state();
    for (const args of [[], ["-u"]]) {
      const { code, stdout } = await folder.test([...args, ...MODEL], { env: { ...offline, ...IN_CI } });
      expect(code).toBe(1);
      expect(stdout).toContain("there is no other.golden: it is not made in CI (the variable CI is set)");
      expect(stdout).toContain("1 passed, 1 failed, 0 written, 0 updated, 0 obsolete");
    }
    expect(folder.state()).toEqual(before);
    expect((await folder.test(MODEL, { env: offline })).stdout).toContain("other.golden written");
  });

  it("has forgotten to record an answer: in CI that fails, and names the nearest recording", async () => {
    folder.files({ "greet.js": `console.log("It says", await chat("Good night"));\n` });
    const { requests } = server;
    const before = folder.state();
    const { code, stdout } = await folder.test(["greet.js", ...MODEL], { env: { ...online(), ...IN_CI } });
    expect(code).toBe(1);
    expect(stdout).toContain("exit code 79, expected 0");
    expect(stdout).toContain("ERR_REPLAY_MISS");
    expect(stdout).toContain('recorded "Good evening", asked "Good night"');
    expect(server.requests).toBe(requests);
    expect(folder.state()).toEqual(before);
  });
});
