import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { PermissionOptions } from "../../src/index.ts";
import { ModuleFolder } from "./module-folder.ts";

type Files = Record<string, string>;

/** What a script in `app` learns by an import, made before it runs or while it does. */
async function learns(folder: ModuleFolder, specifier: string, permissions: PermissionOptions = {}): Promise<string[]> {
  const told: string[] = [];
  for (const code of [
    `import it from "${specifier}"; export default String(it?.default ?? it);`,
    `export default await import("${specifier}").then((it) => String(it.default), (error) => error.name + error.code + error.message);`,
    `import "./x.js"; let it; try { it = String(require("${specifier}")); } catch (error) { it = error.name + error.code + error.message; } export default it;`,
  ]) {
    folder.put({ "app/main.mjs": code });
    const { value, error } = await folder.run("app/main.mjs", { permissions });
    told.push(error === undefined ? String(value) : `${error.name} ${error.code} ${error.message}`);
  }
  return told;
}

/** Runs it where something lies outside of `app`, and where nothing does. */
async function whetherThereOrNot(files: Files, links: Files, specifier: string): Promise<[string[], string[]]> {
  using there = new ModuleFolder({ "app/x.js": "", "shut/it.js": `module.exports = "outside";`, ...files });
  using not = new ModuleFolder({ "app/x.js": "", "shut-not/it.js": "", ...files });
  for (const folder of [there, not]) for (const [name, target] of Object.entries(links)) folder.link(name, target);
  return [await learns(there, specifier), await learns(not, specifier)];
}

describe("what an import tells a script of files that it may not look at", () => {
  it.each<[string, Files, Files, string]>([
    [
      "a package whose main file would lie outside, beside an index",
      {
        "app/node_modules/tea/package.json": `{ "main": "../../../shut/it.js" }`,
        "app/node_modules/tea/index.js": `module.exports = "index";`,
      },
      {},
      "tea",
    ],
    [
      "a folder whose package.json says so",
      { "app/lib/package.json": `{ "main": "../../shut/it.js" }`, "app/lib/index.js": `module.exports = "index";` },
      {},
      "./lib",
    ],
    [
      "a package that names such a file for browsers",
      {
        "app/node_modules/tea/package.json": `{ "browser": "../../../shut/it.js", "main": "index.js" }`,
        "app/node_modules/tea/index.js": `module.exports = "index";`,
      },
      {},
      "tea",
    ],
    [
      "a package that replaces one of its own by such a file",
      {
        "app/node_modules/tea/package.json": `{ "browser": { "./index.js": "../../../shut/it.js" } }`,
        "app/node_modules/tea/index.js": `module.exports = "index";`,
      },
      {},
      "tea",
    ],
    [
      "a package that exports one, and then another",
      {
        "app/node_modules/tea/package.json": `{ "exports": { ".": ["./../../../shut/it.js", "./index.js"] } }`,
        "app/node_modules/tea/index.js": `module.exports = "index";`,
      },
      {},
      "tea",
    ],
    ["a link beside a file", { "app/it.js": `module.exports = "file";` }, { "app/it.ts": "../shut/it.js" }, "./it"],
    [
      "a link without an extension beside a file",
      { "app/it.js": `module.exports = "file";` },
      { "app/it": "../shut/it.js" },
      "./it",
    ],
    ["a link to a folder", { "app/it.js": `module.exports = "file";` }, { "app/up": "../shut" }, "./up/it.js"],
    ["a link to a link", {}, { "app/one.js": "two.js", "app/two.js": "../shut/it.js" }, "./one.js"],
    [
      "a package that is a link, before one further up",
      { "app/node_modules/tea/index.js": `module.exports = "index";` },
      { "app/lib/node_modules/tea": "../../../shut" },
      "./lib/asks.js",
    ],
    ["a folder of packages that is a link", {}, { "app/node_modules": "../shut" }, "it.js"],
    ["a path that leads outside by its own words", {}, {}, "../shut/it.js"],
    ["such a path without its extension", {}, {}, "../shut/it"],
    ["such a path to a folder", {}, {}, "../shut"],
  ])("is the same whether there is something or not: %s", async (_, files, links, specifier) => {
    const asks = { "app/lib/asks.js": `module.exports = require("tea");` };
    const [there, not] = await whetherThereOrNot({ ...files, ...asks }, links, specifier);
    expect(there).toEqual(not);
    expect(there.join()).not.toContain("outside,");
  });

  it("is nothing of packages further up, while it runs: they may not be looked for there", async () => {
    using folder = new ModuleFolder({ "app/x.js": "", "node_modules/there/index.js": "module.exports = 1;" });
    const [before, dynamic, required] = await learns(folder, "there");
    expect(before).toMatch(/^PermissionError ERR_PERMISSION import denied: there: .* --allow-import=there/);
    const [, absentDynamic, absentRequired] = await learns(folder, "absent");
    expect([dynamic, required]).toEqual(
      [absentDynamic, absentRequired].map((text) => text?.replaceAll("absent", "there")),
    );
  });
});

describe("a package that is allowed by its name", () => {
  const BILLING = {
    "srv/billing/package.json": `{ "name": "billing" }`,
    "srv/billing/index.js": `module.exports = "billing's own";`,
    "srv/billing/node_modules/keys/package.json": `{ "name": "keys" }`,
    "srv/billing/node_modules/keys/index.js": `module.exports = "keys";`,
    "srv/pad/package.json": `{ "name": "left-pad" }`,
    "srv/pad/index.js": `module.exports = "pad";`,
  };

  it.each<[string, string, string]>([
    ["a link to another's folder that calls itself so", "billing", "../../../../srv/billing"],
    ["a link to a package that another has installed", "keys", "../../../../srv/billing/node_modules/keys"],
    ["a link whose name nobody has", "billing", "../../../../srv/none"],
  ])("brings nothing of others by %s", async (_, name, target) => {
    using folder = new ModuleFolder({
      ...BILLING,
      "app/x.js": "",
      "app/node_modules/left-pad/package.json": `{ "name": "left-pad" }`,
      "app/node_modules/left-pad/index.js": `module.exports = require("${name}");`,
    });
    folder.link(`app/node_modules/left-pad/node_modules/${name}`, target);
    for (const told of await learns(folder, "left-pad", {
      import: ["left-pad", join(folder.path, "app/x.js"), join(folder.path, "app/main.mjs")],
    })) {
      expect(told).toMatch(/^PermissionError ?ERR_PERMISSION ?import denied: /);
    }
  });

  it("brings what its package manager has linked together", async () => {
    using folder = new ModuleFolder({
      "app/x.js": "",
      "app/node_modules/.pnpm/left-pad@1/node_modules/left-pad/index.js": `module.exports = require("dep");`,
      "app/node_modules/.pnpm/dep@2/node_modules/dep/index.js": `module.exports = "dep";`,
    });
    folder.link("app/node_modules/left-pad", ".pnpm/left-pad@1/node_modules/left-pad");
    folder.link("app/node_modules/.pnpm/left-pad@1/node_modules/dep", "../../dep@2/node_modules/dep");
    expect(await learns(folder, "left-pad", { import: ["left-pad", join(folder.path, "app/x.js")] })).toEqual([
      "dep",
      "dep",
      "dep",
    ]);
  });

  it("is the user's own where that is linked by its name", async () => {
    using folder = new ModuleFolder({ ...BILLING, "app/x.js": "" });
    folder.link("app/node_modules/left-pad", "../../srv/pad");
    folder.link("app/node_modules/billing", "../../srv/pad");
    expect((await learns(folder, "left-pad", { import: ["left-pad", join(folder.path, "app/x.js")] }))[0]).toBe("pad");
    expect((await learns(folder, "billing", { import: ["billing", join(folder.path, "app/x.js")] }))[0]).toMatch(
      /^PermissionError/,
    );
  });
});

describe("a file that is exchanged for a link", () => {
  it("is judged again, although the script was put together before", async () => {
    using folder = new ModuleFolder({
      "app/main.mjs": `import it from "./lib/it.mjs"; export default it;`,
      "app/lib/it.mjs": `export default "own";`,
      "shut/it.mjs": `export default "own";`,
    });
    expect((await folder.run("app/main.mjs")).value).toBe("own");
    fs.rmSync(join(folder.path, "app/lib"), { recursive: true });
    folder.link("app/lib", "../shut");
    expect((await folder.run("app/main.mjs")).error?.code).toBe("ERR_PERMISSION");
  });
});
