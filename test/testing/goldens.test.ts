import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { TestFolder } from "./test-folder.ts";

const folders: TestFolder[] = [];
afterAll(() => folders.forEach((folder) => folder.remove()));

function folderOf(texts: Record<string, string | Buffer>): TestFolder {
  const folder = new TestFolder().files(texts);
  folders.push(folder);
  return folder;
}

const FAILING = `console.log("before");\nthrow new Error("no tea left");\n`;

describe.concurrent("a golden", () => {
  it("holds what run writes to stdout: what was printed, and the result", async () => {
    const folder = folderOf({ "a.js": `console.log("printed");\nconsole.warn("not this");\nexport default { n: 1 };` });
    expect(await folder.test()).toMatchObject({ code: 0 });
    expect(folder.read("a.golden")).toBe("printed\n{ n: 1 }\n");
  });

  it("is not written for a script that fails; the error is shown in its place", async () => {
    const folder = folderOf({ "a.js": FAILING });
    const { code, stdout } = await folder.test();
    expect(code).toBe(1);
    expect(stdout).toContain("exit code 1, expected 0");
    expect(stdout).toContain("Error: no tea left");
    expect(stdout).toContain("> 2 | throw");
    expect(folder.has("a.golden")).toBe(false);
  });

  it("is not taken over from a script that fails, unless its expect.exit says so", async () => {
    const folder = folderOf({ "a.js": FAILING, "a.golden": "old\n" });
    const refused = await folder.test(["-u"]);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stdout).toContain("it is not taken over from a test that fails");
    expect(folder.read("a.golden")).toBe("old\n");
    folder.files({ "a.test.yaml": "expect: { exit: 1 }\n" });
    expect((await folder.test([])).stdout).toContain("-old");
    expect(await folder.test(["-u"])).toMatchObject({ code: 0 });
    expect(folder.read("a.golden")).toBe("before\n");
    expect(await folder.test()).toMatchObject({ code: 0 });
  });

  it("that is missing is not asked for where a .test.yaml expects something, but -u makes it", async () => {
    const folder = folderOf({ "a.js": `process.exit(3)`, "a.test.yaml": "expect: { exit: 3 }\n" });
    expect(await folder.test([], { env: { CI: "1" } })).toMatchObject({ code: 0 });
    expect(await folder.test()).toMatchObject({ code: 0 });
    expect(folder.has("a.golden")).toBe(false);
    expect((await folder.test(["-u"])).stdout).toContain("a.golden written");
  });

  it("with CRLF is compared without, which is said, and keeps it when it is updated", async () => {
    const folder = folderOf({ "a.js": `console.log("one\\ntwo");`, "a.golden": "one\r\ntwo\r\n" });
    const { code, stdout } = await folder.test(["-u"]);
    expect(code).toBe(0);
    expect(stdout).toContain("a.golden has CRLF at the ends of lines, which were not compared");
    expect(folder.read("a.golden")).toBe("one\r\ntwo\r\n");
    folder.files({ "a.js": `console.log("one\\nthree");` });
    expect((await folder.test()).stdout).toContain(" one\n        -two\n        +three\n");
    await folder.test(["-u"]);
    expect(folder.read("a.golden")).toBe("one\r\nthree\r\n");
  });

  it("with line feeds is not the same as an output with CRLF", async () => {
    const folder = folderOf({ "a.js": `process.stdout.write("one\\r\\n");`, "a.golden": "one\n" });
    expect(await folder.test()).toMatchObject({ code: 1 });
  });

  it("may begin with the mark of its byte order", async () => {
    const folder = folderOf({ "a.js": `console.log("one");`, "a.golden": "\uFEFFone\n" });
    expect(await folder.test(["-u"])).toMatchObject({ code: 0 });
    expect(folder.read("a.golden")).toBe("\uFEFFone\n");
  });

  it.each([
    ["UTF-16", Buffer.from("\uFEFFone\n", "utf16le"), "a.golden: it is UTF-16"],
    ["Latin-1", Buffer.from("one\ncaf\xe9\n", "latin1"), "a.golden: line 2 is not UTF-8"],
  ])("in %s is an error that says so, and -u makes it anew", async (_, golden, text) => {
    const folder = folderOf({ "a.js": `console.log("one\\ncafé");`, "a.golden": golden });
    const { code, stdout } = await folder.test();
    expect(code).toBe(1);
    expect(stdout).toContain(text);
    expect((await folder.test(["-u"])).stdout).toContain("a.golden updated");
    expect(folder.read("a.golden")).toBe("one\ncafé\n");
  });

  it("that is a folder is an error that says so", async () => {
    const folder = folderOf({ "a.js": `console.log("one");` });
    mkdirSync(join(folder.path, "a.golden"));
    const { code, stdout } = await folder.test(["a.js"]);
    expect(code).toBe(1);
    expect(stdout).toContain("Cannot use a.golden: it is a folder");
  });

  it("whose script is gone is listed, and -u removes it; not where there are no tests", async () => {
    const folder = folderOf({ "a.js": `console.log("one");`, "gone.golden": "x", "other/data.golden": "not a test's" });
    const { code, stdout } = await folder.test();
    expect(code).toBe(0);
    expect(stdout).toContain("Obsolete; -u removes what no test uses:\n  gone.golden: its script is gone\n");
    expect(stdout).toContain("1 written, 0 updated, 1 obsolete (");
    expect(folder.has("gone.golden")).toBe(true);
    expect((await folder.test(["-u"], { env: { CI: "1" } })).stdout).toContain("1 obsolete (");
    expect(folder.has("gone.golden")).toBe(true);
    expect((await folder.test(["-u"])).stdout).toContain("1 obsolete (removed)");
    expect([folder.has("gone.golden"), folder.has("other/data.golden")]).toEqual([false, true]);
  });

  it("stays as it is, to the byte, with -u on a tree where nothing has changed", async () => {
    const folder = folderOf({
      "a.js": `console.log("one", await chat("echo: hello"));`,
      "b.js": `console.log("no end of line" + "\\u{1F4A5}\\ud800");`,
      "c.js": `process.stdout.write("no end");`,
      "d.js": `console.log((await embeddings.generateEmbeddingAsync("tea")).length, Math.random(), new Date());`,
    });
    expect(await folder.test(["-u"])).toMatchObject({ code: 0 });
    const before = folder.state();
    expect(Object.keys(before)).toHaveLength(4 + 4 + 2);
    const { code, stdout } = await folder.test(["-u"]);
    expect({ code, stdout: stdout.split("\n").at(-2) }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("4 passed, 0 failed, 0 written, 0 updated, 0 obsolete"),
    });
    expect(folder.state()).toEqual(before);
  });
});
