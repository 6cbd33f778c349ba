import fs from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cacheFolder, keep, readKept } from "../../src/modules/bundle-cache.ts";
import type { PermissionUse } from "../../src/index.ts";
import { ModuleFolder } from "./module-folder.ts";

let caches: ModuleFolder;
let before: string | undefined;
beforeAll(() => {
  caches = new ModuleFolder();
  before = process.env["XDG_CACHE_HOME"];
});
afterAll(() => {
  caches[Symbol.dispose]();
  if (before === undefined) delete process.env["XDG_CACHE_HOME"];
  else process.env["XDG_CACHE_HOME"] = before;
});

let count = 0;
/** An empty cache, and its folder of bundles. */
function newCache(): string {
  const home = join(caches.path, `cache-${count++}`);
  process.env["XDG_CACHE_HOME"] = home;
  return join(home, "geppetto-js/bundles");
}

/** What is kept, without what is being written. */
const kept = (folder: string): string[] =>
  fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => !name.endsWith(".new")) : [];

const MODULES = {
  "main.mjs": `import { n } from "./lib/n.mjs"; import pkg from "pkg"; export default [n, pkg];`,
  "lib/n.mjs": "export const n = 1;",
  "node_modules/pkg/package.json": `{ "name": "pkg", "main": "a.js" }`,
  "node_modules/pkg/a.js": "module.exports = 'a';",
  "node_modules/pkg/b.js": "module.exports = 'b';",
};

/** Puts something else in place of a kept bundle's code, in a way that only its checksum can tell. */
function forge(file: string): void {
  const bytes = fs.readFileSync(file);
  const at = bytes.lastIndexOf("var n = 1;");
  bytes.write("var n = 7;", at);
  fs.writeFileSync(file, bytes);
}

describe("a script that was put together before", () => {
  it("is not put together again while its files are what they were", async () => {
    const cache = newCache();
    using folder = new ModuleFolder(MODULES);
    expect((await folder.run("main.mjs")).value).toEqual([1, "a"]);
    await expect.poll(() => kept(cache)).toHaveLength(1);
    const [name] = kept(cache);
    const { ino } = fs.statSync(join(cache, name!));
    expect((await folder.run("main.mjs")).value).toEqual([1, "a"]);
    expect(kept(cache)).toEqual([name]);
    expect(fs.statSync(join(cache, name!)).ino).toBe(ino);
  });

  it.each<[string, (folder: ModuleFolder) => void, unknown]>([
    ["a module", (folder) => folder.put({ "lib/n.mjs": "export const n = 2;" }), [2, "a"]],
    [
      "a module's text, as long and as old as it was",
      (folder) => {
        const file = join(folder.path, "lib/n.mjs");
        const { atime, mtime } = fs.statSync(file);
        fs.writeFileSync(file, "export const n = 3;");
        fs.utimesSync(file, atime, mtime);
      },
      [3, "a"],
    ],
    [
      "a package.json",
      (folder) => folder.put({ "node_modules/pkg/package.json": `{ "name": "pkg", "main": "b.js" }` }),
      [1, "b"],
    ],
    [
      "a package.json that was not there",
      (folder) =>
        folder.put({
          "lib/node_modules/pkg/index.js": "",
          "package.json": `{ "name": "x", "browser": { "pkg": "./lib/p.js" } }`,
          "lib/p.js": "module.exports = 'p';",
        }),
      [1, "p"],
    ],
    ["the script", (folder) => folder.put({ "main.mjs": `import { n } from "./lib/n.mjs"; export default -n;` }), -1],
    [
      "a package that is nearer",
      (folder) =>
        folder.put({
          "lib/n.mjs": `export { default as n } from "pkg";`,
          "lib/node_modules/pkg/index.js": "module.exports = 'near';",
        }),
      ["near", "a"],
    ],
  ])("is put together again where this has changed: %s", async (_, change, value) => {
    const cache = newCache();
    using folder = new ModuleFolder(MODULES);
    await folder.run("main.mjs");
    await expect.poll(() => kept(cache)).toHaveLength(1);
    change(folder);
    expect((await folder.run("main.mjs")).value).toEqual(value);
  });

  it("sees a nearer module that was not there", async () => {
    const cache = newCache();
    using folder = new ModuleFolder({
      "main.mjs": `import it from "./it"; export default it;`,
      "it.js": `export default "js";`,
    });
    expect((await folder.run("main.mjs")).value).toBe("js");
    await expect.poll(() => kept(cache)).toHaveLength(1);
    folder.put({ "it.ts": `export default "ts";` });
    expect((await folder.run("main.mjs")).value).toBe("ts");
  });

  it("is judged again, and each use is noted again", async () => {
    const cache = newCache();
    using folder = new ModuleFolder(MODULES);
    const told: PermissionUse[][] = [[], []];
    await folder.run("main.mjs", { onPermission: (use) => told[0]!.push(use) });
    await expect.poll(() => kept(cache)).toHaveLength(1);
    await folder.run("main.mjs", { onPermission: (use) => told[1]!.push(use) });
    const plain = told.map((uses) => uses.map(({ time: _, ...use }) => use));
    expect(plain[1]).toEqual(plain[0]);
    expect(plain[0]).toHaveLength(2);
    const refused = await folder.run("main.mjs", {
      onPermission: () => {
        throw new Error("the disk is full");
      },
    });
    expect(refused.error?.code).toBe("ERR_AUDIT");
    const narrow = await folder.run("main.mjs", { permissions: { import: [join(folder.path, "lib")] } });
    expect(narrow.end).toBe("load");
  });

  it("shows its errors in its own text all the same", async () => {
    const cache = newCache();
    using folder = new ModuleFolder({
      "main.ts": `import { fail } from "./fail.ts";\n\nfail(1 as number);\n`,
      "fail.ts": `interface A {}\nexport function fail(n: number) {\n  throw new Error(String(n));\n}\n`,
    });
    const first = await folder.run("main.ts");
    await expect.poll(() => kept(cache)).toHaveLength(1);
    const second = await folder.run("main.ts");
    expect(second.error?.stack).toBe("Error: 1\n    at fail (file:///fail.ts:3:9)\n    at file:///main.ts:3:1");
    expect(second.error).toEqual(first.error);
    expect({ ...second.sources }).toEqual({ ...first.sources });
  });
});

describe("the folder of kept bundles", () => {
  it("is the user's alone, and so is all in it", async () => {
    const cache = newCache();
    using folder = new ModuleFolder(MODULES);
    await folder.run("main.mjs");
    await expect.poll(() => kept(cache)).toHaveLength(1);
    expect(fs.statSync(cache).mode & 0o777).toBe(0o700);
    expect(fs.statSync(join(cache, kept(cache)[0]!)).mode & 0o777).toBe(0o600);
  });

  it.each<[string, (file: string) => void]>([
    ["was changed", forge],
    ["was cut off", (file) => fs.truncateSync(file, 1_000)],
    ["is empty", (file) => fs.truncateSync(file, 0)],
    ["others may write", (file) => (forge(file), fs.chmodSync(file, 0o666))],
    ["is a link", (file) => (fs.renameSync(file, `${file}-else`), fs.symlinkSync(`${file}-else`, file))],
    ["is a folder", (file) => (fs.rmSync(file), fs.mkdirSync(file))],
  ])("gives nothing that %s", async (_, plant) => {
    const cache = newCache();
    using folder = new ModuleFolder(MODULES);
    await folder.run("main.mjs");
    await expect.poll(() => kept(cache)).toHaveLength(1);
    const file = join(cache, kept(cache)[0]!);
    plant(file);
    expect((await folder.run("main.mjs")).value).toEqual([1, "a"]);
  });

  it("may be missing, or not to be written", async () => {
    using folder = new ModuleFolder(MODULES);
    const cache = newCache();
    fs.mkdirSync(join(cache, "../.."), { recursive: true });
    fs.writeFileSync(join(cache, ".."), "a file");
    expect((await folder.run("main.mjs")).value).toEqual([1, "a"]);
  });

  it("is bounded: what was not used longest goes first", () => {
    const cache = newCache();
    fs.mkdirSync(cache, { recursive: true, mode: 0o700 });
    for (let index = 0; index < 505; index++) {
      fs.writeFileSync(join(cache, String(index)), "x", { mode: 0o600 });
      const seconds = Date.now() / 1_000 - 10_000 + index;
      fs.utimesSync(join(cache, String(index)), seconds, seconds);
    }
    keep(join(cache, "new"), Buffer.from("x"));
    expect(kept(cache)).toHaveLength(500);
    expect(readKept(join(cache, "0"))).toBeUndefined();
    expect(String(readKept(join(cache, "504")))).toBe("x");
    const large = Buffer.alloc(23_000_000);
    for (const name of "abcdefghijklm") keep(join(cache, name), large);
    const bytes = kept(cache).reduce((sum, name) => sum + fs.statSync(join(cache, name)).size, 0);
    expect(bytes).toBeLessThanOrEqual(256_000_000);
    expect(kept(cache)).toContain("m");
  });

  it("is cleaned of what nobody finished", () => {
    const cache = newCache();
    keep(join(cache, "one"), Buffer.from("x"));
    const left = join(cache, "two.new");
    fs.writeFileSync(left, "half");
    fs.utimesSync(left, 1, 1);
    keep(join(cache, "three"), Buffer.from("x"));
    expect(fs.readdirSync(cache).sort()).toEqual(["one", "three"]);
  });

  it("lies below the folder that the environment or the system gives for such things", () => {
    expect(cacheFolder({ XDG_CACHE_HOME: "/c" })).toBe(join("/c", "geppetto-js/bundles"));
    expect(cacheFolder({ XDG_CACHE_HOME: "relative" })).not.toContain("relative");
  });
});
