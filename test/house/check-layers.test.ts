import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../scripts/check-layers.mjs", import.meta.url));

interface Verdict {
  ok: boolean;
  /** One per line that names a file, without the summary. */
  violations: string[];
}

function check(...root: string[]): Verdict {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...root], { encoding: "utf8" });
  expect(stderr).toBe("");
  return { ok: status === 0, violations: stdout.split("\n").filter((line) => /^\S+:\d+ {2}/.test(line)) };
}

const planted: string[] = [];
afterEach(() => {
  for (const root of planted.splice(0)) rmSync(root, { recursive: true });
});

/** A sound tree with a file in every folder, and these files besides. */
function plant(files: Record<string, string>): Verdict {
  const root = mkdtempSync(join(tmpdir(), "layers-"));
  planted.push(root);
  const sound = {
    "src/shared/errors.ts": "export const a = 1;",
    "src/shared/primordials.ts": "export const DateNow = Date.now;",
    "src/config/table/settings.ts": 'import type { s } from "./setting.ts";\nexport type S = s;',
    "src/config/table/setting.ts": "export type s = 1;",
    "src/permissions/flags.ts": 'import type { S } from "../config/table/settings.ts";\nexport type F = S;',
    "src/base/ids.ts": 'import { a } from "../shared/errors.ts";\nexport const b = a;',
    "src/events/bus.ts": 'export * from "../base/ids.ts";',
    "src/providers/model.ts": 'import type { b } from "../base/ids.ts";\nexport type C = typeof b;',
    "src/sandbox/realm.ts": 'import ivm from "isolated-vm";\nexport const realm = ivm;',
    "src/steps/step.ts": 'import "../events/bus.ts";',
    "src/engine/engine.ts": 'import "../steps/step.ts";\nimport "./loop.ts";',
    "src/engine/loop.ts": 'import { z } from "zod";\nexport const loop = z;',
    "runtime-setup/timers.ts": 'import "../src/engine/engine.ts";',
    "runtime-setup/guest/timers.ts": 'import "../../src/shared/errors.ts";\nimport "./web/abort.ts";',
    "runtime-setup/guest/web/abort.ts": "export {};",
    "src/index.ts": 'export * from "./engine/engine.ts";\nimport "../runtime-setup/timers.ts";',
    "src/cli/main.ts": 'import "../index.ts";\nimport { Command } from "commander";\nimport "./run.ts";',
    "src/cli/run.ts": 'import { readFileSync } from "node:fs";\nexport const run = readFileSync;',
  };
  for (const [path, text] of Object.entries({ ...sound, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }
  return check(root);
}

describe("check-layers", () => {
  test("this repository passes", () => {
    expect(check()).toEqual({ ok: true, violations: [] });
  });

  test("a sound tree passes", () => {
    expect(plant({})).toEqual({ ok: true, violations: [] });
  });

  test.each<[string, string, string, string]>([
    ["an upward import", "src/base/x.ts", 'import "../steps/step.ts";', "imports upwards"],
    ["an upward type import", "src/base/x.ts", 'import type { S } from "../steps/step.ts";', "imports upwards"],
    ["an upward dynamic import", "src/base/x.ts", 'const s = await import("../steps/step.ts");', "imports upwards"],
    ["a dynamic import in backticks", "src/base/x.ts", "const s = import(`../steps/step.ts`);", "imports upwards"],
    ["an import in a type", "src/base/x.ts", 'type S = import("../steps/step.ts").S;', "imports upwards"],
    ["an upward re-export", "src/base/x.ts", 'export { s } from "../steps/step.ts";', "imports upwards"],
    ["an import between siblings", "src/events/x.ts", 'import "../providers/model.ts";', "imports sideways"],
    ["a floor above the engine", "src/engine/x.ts", 'import "../../runtime-setup/timers.ts";', "imports upwards"],
    ["isolated-vm outside the sandbox", "src/engine/x.ts", 'import ivm from "isolated-vm";', "only src/sandbox may"],
    ["a command line that reaches past the index", "src/cli/x.ts", 'import "../engine/engine.ts";', "src/index.ts"],
    ["a command line that reaches the shared floor", "src/cli/x.ts", 'import "../shared/errors.ts";', "src/index.ts"],
    ["a host that imports guest code", "runtime-setup/x.ts", 'import "./guest/timers.ts";', "imports guest code"],
    ["a host that imports the built guest", "src/sandbox/x.ts", 'import("#guest/runtime.js");', "load it as data"],
    ["a guest that imports the host", "runtime-setup/guest/x.ts", 'import "../timers.ts";', "is the host's"],
    ["a guest that imports the base", "runtime-setup/guest/x.ts", 'import "../../src/base/ids.ts";', "is the host's"],
    ["a guest that imports a package", "runtime-setup/guest/x.ts", 'import "zod";', 'imports "zod"'],
    ["a guest that imports Node", "runtime-setup/guest/x.ts", 'import "node:fs";', 'imports "node:fs"'],
    ["a guest that imports something computed", "runtime-setup/guest/x.ts", "import(name);", "something computed"],
    [
      "a guest that takes the captured clock",
      "runtime-setup/guest/x.ts",
      "export const t = DateNow();",
      "uses DateNow",
    ],
    ["a guest that makes the time now", "runtime-setup/guest/x.ts", "export const t = new SafeDate();", "currentMs()"],
    ["shared code that imports Node", "src/shared/x.ts", 'import type { X } from "node:fs";', 'imports "node:fs"'],
    ["shared code that imports the base", "src/shared/x.ts", 'import "../base/ids.ts";', "imports upwards"],
    ["shared code that reads the process", "src/shared/x.ts", "export const e = process.env;", "uses process"],
    ["shared code that reads the clock", "src/shared/x.ts", "export const t = Date.now();", "uses Date.now"],
    ["shared code that makes the time now", "src/shared/x.ts", "export const t = new Date();", "uses new Date"],
    ["shared code that takes the captured clock", "src/shared/x.ts", "export const t = DateNow();", "uses DateNow"],
    ["shared code that draws lots", "src/shared/x.ts", "export const r = Math.random();", "uses Math.random"],
    ["shared code that waits", "src/shared/x.ts", "setTimeout(() => {}, 1);", "uses setTimeout"],
    ["a table of settings that reads the config", "src/config/table/x.ts", 'import "../y.ts";', "imports upwards"],
    [
      "a table of settings that reads the process",
      "src/config/table/x.ts",
      "export const e = process.env;",
      "uses process",
    ],
    ["a file on no floor", "src/misc/x.ts", "export {};", "stands on no floor"],
    ["an import from outside the tree", "src/base/x.ts", 'import "../../test/x.ts";', "stands on no floor"],
  ])("%s is found, with file and line", (_, file, code, advice) => {
    const { ok, violations } = plant({ [file]: `// a comment\n${code}` });
    expect(ok).toBe(false);
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain(advice);
    expect(violations[0]).toMatch(new RegExp(`^${file}:${file.includes("misc") ? 1 : 2} `));
  });

  test("a cycle is found and drawn", () => {
    const cycle = plant({ "src/base/a.ts": 'import "./b.ts";', "src/base/b.ts": '\nimport "./a.ts";' });
    expect(cycle.ok).toBe(false);
    expect(cycle.violations).toEqual([
      expect.stringMatching(
        /^src\/base\/b\.ts:2 {2}closes a cycle: src\/base\/a\.ts → src\/base\/b\.ts → src\/base\/a\.ts;/,
      ),
    ]);
  });

  test.each(["import type { A }", "export type { A }", "export type *"])("a cycle through %s is found", (statement) => {
    const { ok, violations } = plant({
      "src/base/a.ts": 'import "./b.ts";',
      "src/base/b.ts": `${statement} from "./a.ts";`,
    });
    expect(ok).toBe(false);
    expect(violations).toEqual([expect.stringMatching(/^src\/base\/b\.ts:1 {2}closes a cycle: /)]);
  });

  test.each(["src/base/deep", "runtime-setup/guest/deep", "test/deep"])("21 files in %s are too many", (folder) => {
    const files = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`${folder}/file-${index}.ts`, "export {};"]));
    expect(plant(files(20))).toEqual({ ok: true, violations: [] });
    const { ok, violations } = plant(files(21));
    expect(ok).toBe(false);
    expect(violations).toEqual([expect.stringContaining(`${folder}:0  holds 21 files: group them`)]);
  });

  test("what only looks like an import or a clock passes", () => {
    const lookalikes = [
      '// import "../steps/step.ts";',
      '/* import "../steps/step.ts"; Date.now() */',
      "export const text = 'import \"../steps/step.ts\"; process.env';",
      'export const template = `import("../steps/step.ts") ${`Date.now() ${1}`} Math.random()`;',
      'export const regex = /import "..\\/steps\\/step.ts"|["\'`]/;',
      "export const half = 1 / 2 / 3;",
      "export const time = new Date(0);",
      "export interface Options { process: string; now: typeof Date }",
    ];
    expect(plant({ "src/shared/x.ts": lookalikes.join("\n") })).toEqual({ ok: true, violations: [] });
  });
});
