import { afterAll, describe, expect, it } from "vitest";
import { readTestDocument } from "../../src/testing/files/test-document.ts";
import { TestFolder } from "./test-folder.ts";

const folder = new TestFolder();
afterAll(() => folder.remove());

const read = (yaml: string): ReturnType<typeof readTestDocument> => readTestDocument(folder.file("a.test.yaml", yaml));

describe("readTestDocument()", () => {
  it("gives undefined where there is no file", () => {
    expect(readTestDocument(`${folder.path}/none.test.yaml`)).toBeUndefined();
  });

  it("reads what a script is given, and what is expected", () => {
    const document = read(
      "args: [one, 2, true]\ninput: |\n  text\nprofile: gpt\nexpect:\n  stdout: x\n  result: { a: [1] }\n  exit: 3\n  events: [start, { type: final, text: x }, { text: y }]\n",
    );
    expect(document).toMatchObject({
      args: ["one", "2", "true"],
      input: "text\n",
      profile: "gpt",
      expect: {
        stdout: "x",
        result: { a: [1] },
        exit: 3,
        events: ["start", { type: "final", text: "x" }, { text: "y" }],
      },
    });
    expect(document?.lineOf(["expect", "exit"])).toBe(8);
  });

  it("takes an empty file for one that says nothing", () => {
    expect(read("")).toMatchObject({ args: [] });
  });

  it("takes an empty section of expectations for none, so that a golden is asked for", () => {
    expect(read("expect: {}")).not.toHaveProperty("expect");
  });

  it.each([
    ["an unknown key", "arsg: [a]", 'a.test.yaml:1:1: there is no key "arsg", did you mean "args"?'],
    [
      "an unknown expectation",
      "expect:\n  stdot: x",
      'a.test.yaml:2:3: there is no key "expect.stdot", did you mean "expect.stdout"?',
    ],
    [
      "a key that is nothing like one",
      "zzz: 1",
      'there is no key "zzz", it must be one of args, input, profile, expect',
    ],
    ["an unknown event", "expect:\n  events: [fnal]", 'there is no event "fnal", did you mean "final"?'],
    ["__proto__", "__proto__: { a: 1 }", 'there is no key "__proto__"'],
    ["a list", "- a", "expected a section with args, input, profile, expect, got a list"],
    ["args that are not a list", "args: x", "args: expected a list of texts"],
    ["an arg that is a section", "args: [{ a: 1 }]", "args.0: expected a text"],
    ["an exit code that is a text", "expect: { exit: one }", "expect.exit: expected an exit code from 0 to 255"],
    ["a list of numbers for events", "expect: { events: [1] }", "expected the type of an event, or its fields"],
    ["a profile that is a list", "profile: []", "profile: expected a text, got a list"],
    ["broken YAML", "args: [", "a.test.yaml:1:"],
    ["a key twice", "args: []\nargs: []", "map keys must be unique"],
    ["what is nested too deeply", `input: ${"[".repeat(50)}`, "it is nested more than 32 deep"],
    ["what is too large", `input: "${"x".repeat(70_000)}"`, "it is larger than 64 kB"],
    [
      "aliases that explode",
      `a: &a [${"x,".repeat(50)}]\nb: &b [${"*a,".repeat(60)}]\nc: [${"*b,".repeat(60)}]`,
      "more than 100 aliases",
    ],
  ])("refuses %s", (_, yaml, problem) => {
    expect(() => read(yaml)).toThrow(problem);
  });
});

describe.concurrent("a .test.yaml", () => {
  const SCRIPT = `console.log(process.argv.slice(2).join("+"), input().trim());
    await chat("echo: hello");
    done({ list: [1, 2], text: "x" });`;

  it("gives a script its arguments and its input, and holds everything expected against what comes", async () => {
    const own = new TestFolder().files({
      "a.js": SCRIPT,
      "a.test.yaml": `
args: [one, two]
input: |
  some text
expect:
  stdout: |
    one+two some text
  result: { text: x, list: [1, 2] }
  exit: 0
  events: [start, { type: partial }, { type: final, text: hello }]
`,
    });
    const { code, stdout } = await own.test();
    expect(stdout).toContain("1 passed");
    expect(code).toBe(0);
    own.remove();
  });

  it("that expects too much fails with every difference, not with the first alone", async () => {
    const own = new TestFolder().files({
      "a.js": SCRIPT,
      "a.test.yaml": `
args: [one, two]
input: text
expect:
  stdout: something else
  result: { text: x, list: [1, 3] }
  exit: 4
  events: [start, tool-call, final]
`,
      "a.golden": "old\n",
    });
    const { code, stdout } = await own.test();
    expect(code).toBe(1);
    for (const text of [
      "exit code 0, expected 4",
      "stdout is not what is expected",
      "-something else",
      "+one+two text",
      "the result is not what is expected",
      "-    3",
      'event 2 that is expected, "tool-call", does not come',
      "stdout differs from a.golden in line 1",
    ])
      expect(stdout).toContain(text);
    own.remove();
  });

  it("chooses a profile; a flag counts more; one that is not there is exit code 78", async () => {
    const profiles = `profiles:\n  short: { limits: { maxCalls: 1 } }\n  long: { limits: { maxCalls: 9 } }\n`;
    const own = new TestFolder().files({
      "geppetto.yaml": profiles,
      "a.js": `await chat("echo: 1"); await chat("echo: 2"); console.log("both");`,
      "a.test.yaml": "profile: short\nexpect: { stdout: both }\n",
    });
    const env = { XDG_CONFIG_HOME: own.path };
    const short = await own.test([], { env });
    expect(short.stdout).toContain("ERR_LIMIT_CALLS");
    expect(short.code).toBe(1);
    expect(await own.test(["-p", "long"], { env })).toMatchObject({ code: 0 });
    own.files({ "a.test.yaml": "profile: shrot\n" });
    const missing = await own.test([], { env });
    expect(missing).toMatchObject({ code: 78 });
    expect(missing.stdout).toContain(
      'a.test.yaml names the profile: Cannot use --profile: there is no profile "shrot", did you mean "short"?',
    );
    own.remove();
  });

  it("with an unknown key fails its test alone: the others run; alone it is exit code 78", async () => {
    const own = new TestFolder().files({
      "a.js": `console.log(1)`,
      "a.test.yaml": "agrs: []\n",
      "b.js": `console.log(2)`,
      "b.golden": "2\n",
      "c.test.yaml": "args: []\n",
    });
    const { code, stdout } = await own.test();
    expect(stdout).toContain('Cannot use a.test.yaml:1:1: there is no key "agrs", did you mean "args"?');
    expect(stdout).toContain("no script lies beside it: c.js or another of");
    expect(stdout).toContain("1 passed, 2 failed");
    expect(code).toBe(78);
    own.remove();
  });
});
