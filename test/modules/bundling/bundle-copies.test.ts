import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bundlerProgram } from "../../../src/modules/bundler-program.ts";
import { ModuleFolder } from "../module-folder.ts";
import { bundleByAsking, bundleOf, orderFor } from "./bundle-orders.ts";

const isCommand = process.platform !== "win32";
if (!isCommand) console.warn("SKIPPED: on Windows the bundler cannot be told to look for nothing");

/** A command that notes each time that it is called, and is the bundler's program then, or something else. */
function noting(folder: ModuleFolder, instead = `exec "${bundlerProgram()}" "$@"`): { path: string; calls(): number } {
  const log = join(folder.path, "calls.txt");
  folder.put({ bundler: `#!/bin/sh\necho called >> "${log}"\n${instead}\n` });
  fs.chmodSync(join(folder.path, "bundler"), 0o700);
  const calls = (): number => (fs.existsSync(log) ? fs.readFileSync(log, "utf8").split("\n").length - 1 : 0);
  return { path: join(folder.path, "bundler"), calls };
}

const MODULES = {
  "main.mjs": `import { a } from "./a.mjs";\nimport tea from "tea";\nexport default [a, tea];`,
  "a.mjs": "export const a = 1;",
  "node_modules/tea/index.js": `exports.leaf = Buffer.from("leaf"); exports.part = require("./part.json");`,
  "node_modules/tea/part.json": "{}",
};

describe.skipIf(!isCommand)("the bundler as a command", () => {
  it("puts together what could be copied, and is asked once", async () => {
    using folder = new ModuleFolder(MODULES);
    const order = orderFor(folder.path, "main.mjs", MODULES["main.mjs"]);
    const command = noting(folder);
    const made = await bundleOf({ ...order, bundler: command.path });
    expect(command.calls()).toBe(1);
    expect(made).toEqual(await bundleByAsking(order));
  });

  it.each([
    ["is not there", undefined],
    ["fails", "exit 1"],
    ["makes nothing", "exit 0"],
    ["is killed", "kill -9 $$"],
  ])("is done without where it %s", async (_, instead) => {
    using folder = new ModuleFolder(MODULES);
    const order = orderFor(folder.path, "main.mjs", MODULES["main.mjs"]);
    const bundler = instead === undefined ? join(folder.path, "not-there") : noting(folder, instead).path;
    expect(await bundleOf({ ...order, bundler })).toEqual(await bundleByAsking(order));
  });

  it("is not tried where it would look around for what a name could mean", async () => {
    const code = `import { a } from "./a.mjs";\nconst name = "a";\nexport default [a, await import("./" + name)];`;
    using folder = new ModuleFolder({ ...MODULES, "main.mjs": code });
    const order = orderFor(folder.path, "main.mjs", code);
    const command = noting(folder);
    expect(await bundleOf({ ...order, bundler: command.path })).toEqual(await bundleByAsking(order));
    expect(command.calls()).toBe(0);
  });

  it.each<[string, (outside: string) => string]>([
    ["a path", (outside) => `${outside}/pipe.mjs`],
    ["a path by two slashes", (outside) => `/${outside}/pipe.mjs`],
    ["a path without an extension", (outside) => `${outside}/pipe`],
    ["steps upwards", () => "../outside/pipe.mjs"],
    ["many steps upwards", (outside) => `./${"../".repeat(40)}${outside.slice(1)}/pipe.mjs`],
    ["an address", (outside) => `file://${outside}/pipe.mjs`],
    ["a package", () => "pipes"],
    ["a part of a package", () => "pipes/pipe.mjs"],
    ["a folder", (outside) => `${outside}/`],
    ["data", () => "data:text/javascript,export default 1"],
    ["a name of its own", () => "#pipe"],
    ["nothing", () => ""],
  ])("looks for nothing that nobody saw before: %s", async (_, specifierFor) => {
    using folder = new ModuleFolder({ "app/a.mjs": "export const a = 1;", "outside/index.js": "" });
    // Whoever opens it waits for good.
    execFileSync("mkfifo", [join(folder.path, "outside/pipe.mjs")]);
    folder.link("app/node_modules/pipes", "../../outside");
    // The expression is taken for a division, so that what follows seems to stand within a template.
    const hidden = `if (a) /\`/.test(a);\nimport x from ${JSON.stringify(specifierFor(join(folder.path, "outside")))}; // \``;
    const code = `import { a } from "./a.mjs";\n${hidden}\nexport default x;`;
    folder.put({ "app/main.mjs": code });
    const order = orderFor(join(folder.path, "app"), "main.mjs", code);
    const command = noting(folder);
    const made = await bundleOf({ ...order, bundler: command.path });
    expect(command.calls()).toBe(1);
    expect(made).toEqual(await bundleByAsking(order));
    expect(JSON.stringify(made)).toMatch(/Cannot import|import denied/);
  });
});
