import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli, type CliResult } from "../cli/run-cli.ts";
import { ModuleFolder } from "./module-folder.ts";
import { timed } from "../machine/machine-watch.ts";
import { patience } from "../machine/patience.ts";

/** Runs one of a folder's files with the built command line, and a cache of its own. */
async function run(folder: ModuleFolder, name: string, ...flags: string[]): Promise<CliResult> {
  const env = { XDG_CACHE_HOME: join(folder.path, "cache") };
  return runCli(["run", "--no-log", "-q", ...flags, join(folder.path, name)], { env });
}

describe.concurrent("geppetto-js run", () => {
  it("runs a script once that its own modules import, and its model calls with it", async () => {
    using folder = new ModuleFolder({
      "main.mjs": `import "./dep.mjs"; export const config = { n: 1 }; console.log("main body runs"); console.log(await chat("echo: paid call"));`,
      "dep.mjs": `import { config } from "./main.mjs"; export function use() { return config.n; }`,
      "main.ts": `import { b } from "./dep.ts"; export class A {} ; console.log("main", b() instanceof A);`,
      "dep.ts": `import { A } from "./main.ts"; export const b = () => new A();`,
    });
    expect((await run(folder, "main.mjs")).stdout).toBe("main body runs\npaid call\n");
    expect((await run(folder, "main.ts")).stdout).toBe("main true\n");
  });

  it("ends with 65 for a package that is not installed, whatever is allowed", async () => {
    using folder = new ModuleFolder({ "main.mjs": `import x from "not-there-pkg"; console.log(x);` });
    for (const flags of [[], ["--allow-import"], ["--allow-import=not-there-pkg"]]) {
      const { code, stderr } = await run(folder, "main.mjs", ...flags);
      expect(code).toBe(65);
      expect(stderr).toContain(`Cannot import "not-there-pkg": there is no such package; npm install not-there-pkg`);
    }
  });

  it("ends with 77 for what may not be imported, before the script runs or while it does", async () => {
    using folder = new ModuleFolder({
      "app/before.mjs": `import "above";`,
      "app/meanwhile.mjs": `console.log("runs"); await import("../shut.mjs");`,
      "app/caught.mjs": `try { await import("../shut.mjs"); } catch (error) { console.log(error.name, error.code); }`,
      "node_modules/above/index.js": "",
      "shut.mjs": "",
    });
    const before = await run(folder, "app/before.mjs");
    expect([before.code, before.stderr]).toEqual([77, expect.stringContaining("--allow-import=above")]);
    const meanwhile = await run(folder, "app/meanwhile.mjs");
    expect([meanwhile.code, meanwhile.stdout]).toEqual([77, "runs\n"]);
    const caught = await run(folder, "app/caught.mjs");
    expect([caught.code, caught.stdout]).toEqual([0, "PermissionError ERR_PERMISSION\n"]);
  });

  it("lets a script do without what is missing", async () => {
    using folder = new ModuleFolder({
      "main.mjs": `import o from "optd"; console.log(o.kind); try { await import("not-there-pkg"); } catch { console.log("caught"); }`,
      "node_modules/optd/index.js": `let kind = "native"; try { require("optd-native"); } catch { kind = "pure"; } exports.kind = kind;`,
    });
    expect((await run(folder, "main.mjs")).stdout).toBe("pure\ncaught\n");
  });

  it("says of a computed import what it takes", async () => {
    using folder = new ModuleFolder({ "main.mjs": `const name = "./x.mjs"; await import(name);` });
    const { code, stderr } = await run(folder, "main.mjs");
    expect([code, stderr]).toEqual([1, expect.stringContaining("import() takes a name that is written out")]);
  });

  it("says of its time limit that modules were being loaded", async () => {
    using folder = new ModuleFolder({
      "main.mjs": `import "./m0.mjs";`,
      ...Object.fromEntries(
        Array.from({ length: 400 }, (_, i) => [`m${i}.mjs`, i < 399 ? `import "./m${i + 1}.mjs";` : ""]),
      ),
    });
    const { code, stderr } = await run(folder, "main.mjs", "--timeout", "1ms");
    expect(code).toBe(124);
    expect(stderr).toContain("The script exceeded its time limit of 1 ms while its modules were being loaded");
  });

  // Beside others that run at the same time, a poll has to know whose it is.
  it("takes what it has put together before", async ({ expect }) => {
    using folder = new ModuleFolder({
      "main.mjs": `import { a } from "./a.ts"; console.log(a);`,
      "a.ts": "export const a: number = 1;",
    });
    expect((await run(folder, "main.mjs")).stdout).toBe("1\n");
    const cache = join(folder.path, "cache/geppetto-js/bundles");
    await expect.poll(() => fs.existsSync(cache) && fs.readdirSync(cache).length, { timeout: patience(5_000) }).toBe(1);
    expect((await run(folder, "main.mjs")).stdout).toBe("1\n");
    folder.put({ "a.ts": "export const a: number = 2;" });
    expect((await run(folder, "main.mjs")).stdout).toBe("2\n");
  });

  it("refuses a script that is larger than any may be, with the bound", async () => {
    using folder = new ModuleFolder({
      "main.mjs": `import "./large.mjs";`,
      "large.mjs": " ".repeat(8_000_001),
      "vast.mjs": " ".repeat(8_000_001),
    });
    const { code, stderr } = await run(folder, "main.mjs");
    expect([code, stderr]).toEqual([65, expect.stringContaining("larger than 8000000 bytes")]);
    const vast = await run(folder, "vast.mjs");
    expect([vast.code, vast.stderr]).toEqual([65, expect.stringContaining("larger than 8000000")]);
  });

  it("reads the options of a script with many declarations in time that grows with their number", async () => {
    const lines = Array.from({ length: 150_000 }, (_, i) => `let a${i};`).join("\n");
    using folder = new ModuleFolder({
      "main.mjs": `${lines}\nexport const options = { limits: { timeout: "20s" } };\nconsole.log("ran");`,
    });
    const { result, ms, allow } = await timed(() => run(folder, "main.mjs"));
    // Node's own loader finds so many too many.
    expect([0, 65]).toContain(result.code);
    expect(ms).toBeLessThan(allow(20_000));
  });
});
