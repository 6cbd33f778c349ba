import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { TestFolder } from "./test-folder.ts";

const folder = new TestFolder();
afterAll(() => folder.remove());

beforeAll(() => {
  folder.files({
    "good.js": `console.log("good");`,
    "good.golden": "good\n",
    "wrong, 50%.js": `console.log("<new> & \\x1b[31mred\\x1b[0m \\x00");`,
    "wrong, 50%.golden": "old\n",
    "broken.js": `null.x;`,
    "gone.golden": "x\n",
  });
});

const withTime = (text: string): string => text.replace(/\([\d.]+ m?s\)/g, "(TIME)");

describe.concurrent("geppetto-js test --reporter", () => {
  it("default: a line for each test in their order, differences, what is obsolete, a summary", async () => {
    const { code, stdout } = await folder.test();
    expect(code).toBe(1);
    const lines = withTime(stdout).split("\n");
    expect(lines.filter((line) => /^(ok|FAILED)/.test(line))).toEqual([
      "FAILED  broken.js (TIME)",
      "ok      good.js (TIME)",
      "FAILED  wrong, 50%.js (TIME)",
    ]);
    expect(lines).toContain("        -old");
    expect(lines.slice(-4)).toEqual([
      "Obsolete; -u removes what no test uses:",
      "  gone.golden: its script is gone",
      "1 passed, 2 failed, 0 written, 0 updated, 1 obsolete (TIME)",
      "",
    ]);
  });

  it("default: colours the difference where colours are wanted", async () => {
    const { stdout } = await folder.test(["good.js", "wrong, 50%.js"], { env: { FORCE_COLOR: "1" } });
    expect(stdout).toContain("\x1b[32mok     \x1b[39m");
    expect(stdout).toContain("\x1b[31m-old\x1b[39m");
    expect(stdout).toContain("\x1b[32m+<new>");
    expect((await folder.test(["good.js"])).stdout).not.toContain("\x1b");
  });

  it("dot: a character for each test, then what failed", async () => {
    const { code, stdout } = await folder.test(["--reporter", "dot"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^F\.F\nFAILED {2}broken\.js/);
    expect(stdout).not.toContain("good.js");
    expect(stdout).toContain("1 passed, 2 failed");
  });

  it("json: exactly one document on stdout", async () => {
    const { code, stdout } = await folder.test(["--reporter", "json"]);
    expect(code).toBe(1);
    const document = JSON.parse(stdout) as { tests: { name: string; status: string; failures: object[] }[] };
    expect(document).toMatchObject({
      ok: false,
      passed: 1,
      failed: 2,
      skipped: 0,
      written: 0,
      updated: 0,
      obsolete: 1,
    });
    expect(document.tests.map(({ name, status }) => [name, status])).toEqual([
      ["broken.js", "failed"],
      ["good.js", "passed"],
      ["wrong, 50%.js", "failed"],
    ]);
    expect(document.tests[2]!.failures).toEqual([
      {
        what: "stdout",
        text: "stdout differs from wrong, 50%.golden in line 1",
        diff: expect.stringContaining("\n-old\n+<new>") as string,
        file: "wrong, 50%.golden",
        line: 1,
      },
    ]);
  });

  it("junit: XML that is well-formed, whatever scripts print", async () => {
    const { code, stdout } = await folder.test(["--reporter", "junit"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites name="geppetto-js" tests="3" failures="2"/,
    );
    expect(stdout).toContain("+&lt;new&gt; &amp; \ufffd[31mred");
    expect(stdout).toContain(`<testcase name="good.js" classname="good.js" time="`);
    // oxlint-disable-next-line no-control-regex -- what XML does not know
    expect(stdout).not.toMatch(/[\x00-\x08\x0b\x0c\x0e-\x1f]/);
    // Every element that begins ends, in order; no other "<" and "&" is left.
    const open: string[] = [];
    for (const [, close, name, single] of stdout.matchAll(/<(\/?)([a-z]+)(?: [a-z]+="[^"<]*")*(\/?)>/g)) {
      if (close) expect(open.pop()).toBe(name);
      else if (!single) open.push(name!);
    }
    expect(open).toEqual([]);
    expect(stdout.replace(/<\/?[a-z]+(?: [a-z]+="[^"<]*")*\/?>|<\?xml.*\?>/g, "")).not.toMatch(
      /<|&(?!amp;|lt;|gt;|quot;|#\d+;)/,
    );
  });

  it("tap: version 14, a line for each test, and the plan", async () => {
    const { code, stdout } = await folder.test(["--reporter", "tap"]);
    expect(code).toBe(1);
    const lines = stdout.split("\n");
    expect(lines[0]).toBe("TAP version 14");
    expect(lines.filter((line) => /^(not )?ok|^1\.\./.test(line))).toEqual([
      "not ok 1 - broken.js",
      "ok 2 - good.js",
      "not ok 3 - wrong, 50%.js",
      "1..3",
    ]);
    expect(lines).toContain(`  message: "stdout differs from wrong, 50%.golden in line 1"`);
  });

  it("tap: YAML and lines of the protocol, whatever scripts print and are called", async () => {
    const { stdout } = await folder.test(["--reporter", "tap", "wrong, 50%.js"]);
    const block = stdout.slice(stdout.indexOf("  ---\n") + 6, stdout.indexOf("  ...\n"));
    expect(parse(block)).toMatchObject({ details: expect.stringContaining("\n+<new> & \x1b[31mred") as string });
    const named = new TestFolder().files({ "a\nok 99.js": `console.log(1)`, "a\nok 99.golden": "1\n" });
    expect((await named.test(["--reporter", "tap"])).stdout).toMatch(/^TAP version 14\nok 1 - a ok 99\.js\n1\.\.1\n/);
    named.remove();
  });

  it("github: an annotation at the place of each failure, on one line", async () => {
    const { code, stdout } = await folder.test(["--reporter", "github"]);
    expect(code).toBe(1);
    const annotations = stdout.split("\n").filter((line) => line.startsWith("::"));
    expect(annotations).toHaveLength(2);
    expect(annotations[1]).toMatch(
      /^::error file=wrong%2C 50%25\.golden,line=1,title=wrong%2C 50%25\.js failed::stdout differs from wrong, 50%25\.golden in line 1%0A--- /,
    );
  });

  it("github: what a test prints commands the runner nothing", async () => {
    const commanding = new TestFolder().files({
      "a.js": `console.log("a\\n::warning::b\\nc ##[add-mask]d"); throw new Error("e\\r::add-mask::f")`,
      "a.golden": "a\n",
    });
    const { stdout } = await commanding.test(["--reporter", "github"]);
    let stopped: string | undefined;
    const obeyed: string[] = [];
    for (const line of stdout.split(/[\r\n]/)) {
      const [, command = "", text = ""] = /^\s*::([^ :]*).*?::(.*)/.exec(line) ?? /##\[([^\]]*)\](.*)/.exec(line) ?? [];
      if (stopped === undefined && command === "stop-commands") stopped = text;
      else if (command === stopped) stopped = undefined;
      else if (stopped === undefined && command !== "") obeyed.push(command);
    }
    expect(stdout).toContain("\n        +::warning::b\n");
    expect(stdout).toContain("\n        +c ##[add-mask]d\n");
    expect(new Set(obeyed)).toEqual(new Set(["error"]));
    expect(stopped).toBeUndefined();
    commanding.remove();
  });

  it.each(["json", "junit", "tap"])("%s: is whole where there are no tests, and the exit code is 1", async (kind) => {
    const empty = new TestFolder().files({ "notes.md": "" });
    const { code, stdout, stderr } = await empty.test(["--reporter", kind]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      "Cannot find a test in this folder: looked for a script (.js, .mjs, .cjs, .jsx, .ts, .mts, .cts, .tsx) with a .golden or a .test.yaml beside it",
    );
    if (kind === "json") expect(JSON.parse(stdout)).toMatchObject({ ok: false, passed: 0, failed: 0, tests: [] });
    else expect(stdout).toContain(kind === "tap" ? "1..0" : `tests="0"`);
    empty.remove();
  });

  it("another is exit code 2", async () => {
    const { code, stderr } = await folder.test(["--reporter", "spec"]);
    expect(code).toBe(2);
    expect(stderr).toContain("Allowed choices are default, dot, json, junit, tap, github");
  });
});
