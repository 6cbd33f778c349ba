import { describe, expect, it } from "vitest";
import { ModuleFolder } from "./module-folder.ts";

/** Says so whenever its body runs, and tells whether what another module sees of it is its own. */
const MAIN = (imported: string): string =>
  `import { seen } from ${JSON.stringify(imported)};\nexport class Cup {}\nconsole.log("main", seen() === Cup);\n`;

describe("a module that imports the script", () => {
  it.each<[string, string, Record<string, string>]>([
    [
      "by its name",
      "main.mjs",
      { "main.mjs": MAIN("./dep.mjs"), "dep.mjs": `import { Cup } from "./main.mjs"; export const seen = () => Cup;` },
    ],
    [
      "in TypeScript",
      "main.ts",
      {
        "main.ts": MAIN("./dep.ts"),
        "dep.ts": `import { Cup } from "./main.ts"; export const seen = (): unknown => Cup;`,
      },
    ],
    [
      "in TypeScript by the name that it will have",
      "main.ts",
      {
        "main.ts": MAIN("./dep.js"),
        "dep.ts": `import { Cup } from "./main.js"; export const seen = (): unknown => Cup;`,
      },
    ],
    [
      "without its extension",
      "main.ts",
      { "main.ts": MAIN("./dep"), "dep.ts": `import { Cup } from "./main"; export const seen = (): unknown => Cup;` },
    ],
    [
      "as the index of a folder",
      "index.js",
      { "index.js": MAIN("./lib/dep.js"), "lib/dep.js": `import { Cup } from ".."; export const seen = () => Cup;` },
    ],
    [
      "as the package that it is of",
      "main.mjs",
      {
        "package.json": `{ "name": "own", "exports": "./main.mjs" }`,
        "main.mjs": MAIN("./dep.mjs"),
        "dep.mjs": `import { Cup } from "own"; export const seen = () => Cup;`,
      },
    ],
    [
      "from a package",
      "main.mjs",
      {
        "main.mjs": MAIN("plug"),
        "node_modules/plug/package.json": `{ "name": "plug", "exports": "./index.mjs" }`,
        "node_modules/plug/index.mjs": `import { Cup } from "../../main.mjs"; export const seen = () => Cup;`,
      },
    ],
    [
      "by way of another that passes it on",
      "main.mjs",
      {
        "main.mjs": MAIN("./dep.mjs"),
        "all.mjs": `export * from "./main.mjs";`,
        "dep.mjs": `import { Cup } from "./all.mjs"; export const seen = () => Cup;`,
      },
    ],
    [
      "while it runs",
      "main.mjs",
      {
        "main.mjs": `import { load } from "./dep.mjs"; export class Cup {}; console.log("main", true); load();`,
        "dep.mjs": `export const load = () => import("./main.mjs");`,
      },
    ],
    [
      "by require()",
      "main.mjs",
      {
        "main.mjs": `import dep from "./dep.cjs"; export class Cup {}; console.log("main", dep.seen().Cup === Cup);`,
        "dep.cjs": `exports.seen = () => require("./main.mjs");`,
      },
    ],
  ])("%s gets the script that runs", async (_, name, files) => {
    using folder = new ModuleFolder(files);
    const { error, printed } = await folder.run(name);
    expect(error).toBeUndefined();
    expect(printed).toBe("main true\n");
  });

  it("gets it by a link, too", async () => {
    using folder = new ModuleFolder({
      "main.mjs": MAIN("./dep.mjs"),
      "dep.mjs": `import { Cup } from "./alias.mjs"; export const seen = () => Cup;`,
    });
    folder.link("alias.mjs", "main.mjs");
    expect((await folder.run("main.mjs")).printed).toBe("main true\n");
    expect((await folder.run("alias.mjs")).printed).toBe("main true\n");
  });

  it("may be the script itself", async () => {
    using folder = new ModuleFolder({
      "main.mjs": `import * as own from "./main.mjs"; export const n = 1; console.log("main", own.n);`,
    });
    expect((await folder.run("main.mjs")).printed).toBe("main 1\n");
  });

  it("gets what a script that is CommonJS exports, which runs once", async () => {
    using folder = new ModuleFolder({
      "main.cjs": `exports.n = 1; const dep = require("./dep.cjs"); console.log("main", dep.seen().n, typeof module.exports);`,
      "dep.cjs": `const main = require("./main.cjs"); exports.seen = () => main;`,
    });
    const { printed, value, text } = await folder.run("main.cjs");
    expect({ printed, value, text }).toEqual({ printed: "main 1 object\n", value: undefined, text: undefined });
  });
});

describe("a script that is CommonJS and asks for nothing", () => {
  it("still runs in the global scope", async () => {
    using folder = new ModuleFolder({ "main.cjs": "var n = 1; globalThis.n + 1" });
    expect((await folder.run("main.cjs")).value).toBe(2);
  });
});
