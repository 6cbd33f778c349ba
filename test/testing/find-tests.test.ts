import { symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findTests } from "../../src/testing/files/find-tests.ts";
import { TestFolder } from "./test-folder.ts";

const folders: TestFolder[] = [];
afterAll(() => folders.forEach((folder) => folder.remove()));

/** A folder with files of these names, and what they hold where that matters. */
function folderOf(names: readonly string[], texts: Record<string, string> = {}): TestFolder {
  const folder = new TestFolder().files({ ...Object.fromEntries(names.map((name) => [name, ""])), ...texts });
  folders.push(folder);
  return folder;
}

function find(folder: TestFolder, ...paths: string[]): { tests: string[]; obsolete: string[]; unusable: string[] } {
  const { tests, obsolete, unusable } = findTests(paths.map((path) => join(folder.path, path)));
  const short = (path: string): string => relative(folder.path, path);
  return {
    tests: tests.map(({ script }) => short(script)),
    obsolete: obsolete.map(short),
    unusable: unusable.map(({ file }) => short(file)),
  };
}

describe("findTests()", () => {
  it("finds scripts of every kind with a golden or a .test.yaml beside them, at any depth", () => {
    const folder = folderOf(["a.js", "a.golden", "b.mts", "b.test.yaml", "c/d/e.cjs", "c/d/e.golden", "c/none.js"]);
    expect(find(folder, ".").tests).toEqual(["a.js", "b.mts", "c/d/e.cjs"]);
  });

  it("looks into neither node_modules nor hidden folders", () => {
    const folder = folderOf([
      "a.js",
      "a.golden",
      "node_modules/p/b.js",
      "node_modules/p/b.golden",
      ".x/c.js",
      ".x/c.golden",
    ]);
    expect(find(folder, ".").tests).toEqual(["a.js"]);
  });

  it("takes a script beside a test for one that has no golden yet, but not what scripts there import", () => {
    const folder = folderOf(
      ["a.golden", "part.js", "deep/more.ts", "other.js", "vite.config.js", "x.test.ts", "t.d.ts"],
      {
        "a.js": `import { x } from "./part.js"; await import('./deep/more'); export default x;`,
      },
    );
    expect(find(folder, ".").tests).toEqual(["a.js", "other.js"]);
  });

  it("takes the scripts of a folder that was named for tests, where there are none yet in it or below", () => {
    const first = folderOf(["a.js", "sub/b.js", "notes.md"]);
    expect(find(first, ".").tests).toEqual(["a.js"]);
    const later = folderOf(["main.js", "tests/b.js", "tests/b.golden"]);
    expect(find(later, ".").tests).toEqual(["tests/b.js"]);
  });

  it("takes any script that was named, and a golden, cassette or .test.yaml for its script", () => {
    const folder = folderOf(["x.config.js", "a.ts", "a.golden", "b.js", "b.test.yaml", "c.js", "c.cassette.json"]);
    const named = ["x.config.js", "a.golden", "b.test.yaml", "c.cassette.json"];
    expect(find(folder, ...named).tests).toEqual(["a.ts", "b.js", "c.js", "x.config.js"]);
  });

  it("takes each script once, however often and through whatever link it was named", () => {
    const folder = folderOf(["tests/a.js", "tests/a.golden"]);
    symlinkSync(join(folder.path, "tests"), join(folder.path, "link"));
    expect(find(folder, "tests", "tests/a.js", "link").tests).toHaveLength(1);
  });

  it("lists goldens without a script, and .test.yaml files that cannot be run", () => {
    const folder = folderOf([
      "a.js",
      "a.golden",
      "gone.golden",
      "lost.test.yaml",
      "kept.cassette.json",
      "data/x.golden",
    ]);
    expect(find(folder, ".")).toEqual({ tests: ["a.js"], obsolete: ["gone.golden"], unusable: ["lost.test.yaml"] });
  });

  it("runs neither of two scripts that differ in their ending alone", () => {
    const folder = folderOf(["a.js", "a.ts", "a.golden", "b.js"]);
    expect(find(folder, ".")).toEqual({ tests: ["b.js"], obsolete: [], unusable: ["a.js", "a.ts"] });
    expect(find(folder, "a.ts").tests).toEqual(["a.ts"]);
  });

  it("finds nothing in a folder that holds no scripts", () => {
    expect(find(folderOf(["notes.md", "x.golden"]), ".")).toEqual({ tests: [], obsolete: ["x.golden"], unusable: [] });
  });

  it.each([
    ["nowhere", "there is no such file or folder"],
    ["notes.md", "it is not a script"],
    ["lost.golden", "no script lies beside it: lost.js or another of .mjs"],
  ])("refuses %s", (path, problem) => {
    const folder = folderOf(["notes.md", "lost.golden"]);
    expect(() => find(folder, path)).toThrow(problem);
  });
});
