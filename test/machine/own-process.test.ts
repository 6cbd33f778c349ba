import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { LONGEST } from "./longest-first.ts";
import { needOwnProcess } from "./own-process.ts";

const root = mkdtempSync(join(tmpdir(), "geppetto-alone-"));
afterAll(() => rmSync(root, { recursive: true }));

function write(files: Record<string, string>): void {
  rmSync(join(root, "test"), { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

describe("needOwnProcess()", () => {
  it("leaves those together that change nothing of their process", () => {
    write({
      "test/a.test.ts": `import { b } from "./b.ts"; import { c } from "../src/c.ts"; process.env["A"] === b(c);`,
      "test/b.ts": `export const b = (x) => x;`,
      "src/c.ts": `process.on("exit", () => {}); export const c = 1;`,
    });
    expect(needOwnProcess(root)).toEqual([]);
  });

  it.each([
    [`vi.mock("../src/a.ts");`],
    [`const spy = vi.spyOn(console, "log");`],
    [`vi.stubEnv("CI", "");`],
    [`vi.useFakeTimers({ toFake: ["Date"] });`],
    [`process.env["A"] = "b";`],
    [`process.env.A ??= "b";`],
    [`delete process.env["A"];`],
    [`process.on("warning", () => {});`],
    [`process.chdir("/");`],
    [`setFlagsFromString("--expose-gc");`],
    [`context.setGlobalContextManager(manager);`],
    [`import { subscribe } from "node:diagnostics_channel";`],
  ])("sets a file apart for %s", (code) => {
    write({ "test/a.test.ts": code, "test/b.test.ts": "" });
    expect(needOwnProcess(root)).toEqual(["test/a.test.ts"]);
  });

  it("sets a file apart for what its helpers, and theirs, do", () => {
    write({
      "test/x/a.test.ts": `import { b } from "../b.ts";`,
      "test/x/d.test.ts": "",
      "test/b.ts": `export { c } from "./c.ts"; import "./x/a.test.ts";`,
      "test/c.ts": `afterEach(() => {});\nexport const c = 1;`,
    });
    expect(needOwnProcess(root)).toEqual(["test/x/a.test.ts"]);
  });

  it("sets a file apart for its folder, and for the time that it takes", () => {
    const [longest = ""] = LONGEST;
    write({ "test/attacks/a.test.ts": "", "test/attacks.test.ts": "", [longest]: "" });
    expect(needOwnProcess(root).toSorted()).toEqual(["test/attacks/a.test.ts", longest].toSorted());
  });

  it("knows the longest files by names that they have", () => {
    expect(LONGEST.filter((file) => !existsSync(file))).toEqual([]);
  });
});
