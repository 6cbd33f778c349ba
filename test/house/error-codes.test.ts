import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { ERROR_GROUPS, EXIT_MEANINGS, findError } from "../../src/errors/error-catalogue.ts";
import { EXIT } from "../../src/errors/exit-codes.ts";
import { ERROR_CODES } from "../../src/index.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const entries = ERROR_GROUPS.flatMap(({ errors }) => Object.entries(errors));

const planted: string[] = [];
afterEach(() => {
  for (const folder of planted.splice(0)) rmSync(folder, { recursive: true });
});

/** What the check prints for a project with this catalogue and these files, without its exit code. */
function check(codes: string[], files: Record<string, string>): string[] {
  const folder = mkdtempSync(join(tmpdir(), "codes-"));
  planted.push(folder);
  const errors = JSON.stringify(Object.fromEntries(codes.map((code) => [code, {}])));
  const catalogue = { "src/errors/error-catalogue.ts": `export const ERROR_GROUPS = [{ errors: ${errors} }];` };
  for (const [path, text] of Object.entries({ "runtime-setup/a.ts": "", ...catalogue, ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return run(folder);
}

function run(...args: string[]): string[] {
  const script = join(root, "scripts/check-error-codes.mjs");
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });
  expect(stderr).toBe("");
  const lines = stdout.split("\n").filter((line) => line !== "");
  expect(status).toBe(lines.length > 0 ? 1 : 0);
  return lines;
}

describe("check-error-codes", () => {
  test("this repository passes", () => {
    expect(run()).toEqual([]);
  });

  test.each(["src/base/a.ts", "runtime-setup/guest/a.ts"])("a code in %s that the catalogue lacks is found", (file) => {
    expect(check(["ERR_A"], { "src/a.ts": 'f("ERR_A");', [file]: '\nf("ERR_A", "ERR_B");' })).toEqual([
      expect.stringMatching(`^${file}:2  ERR_B is not in the catalogue`),
    ]);
  });

  test("a code that nothing uses is found, although a comment and a declaration name it", () => {
    const files = { "src/a.ts": '// f("ERR_A")\n', "src/a.d.ts": 'type A = "ERR_A";' };
    expect(check(["ERR_A"], files)).toEqual([
      expect.stringContaining("ERR_A is in the catalogue, and nothing uses it"),
    ]);
  });
});

describe("the catalogue of errors", () => {
  test("is what docs/errors.md says", async () => {
    const script = pathToFileURL(join(root, "scripts/write-error-docs.mjs")).href;
    const { errorDocs } = (await import(script)) as { errorDocs(): Promise<string> };
    expect(readFileSync(join(root, "docs/errors.md"), "utf8")).toBe(await errorDocs());
  });

  test("has each code once, with the name of the errors that have it by default", () => {
    expect(new Set(entries.map(([code]) => code)).size).toBe(entries.length);
    for (const [name, code] of Object.entries(ERROR_CODES)) expect(findError(code)?.name).toBe(name);
  });

  test.each(entries)("says in whole sentences what %s means and what to do", (_, { meaning, advice }) => {
    for (const text of [meaning, advice]) expect(text).toMatch(/^[A-Z`].*[.]$/s);
  });

  test("knows no code that geppetto-js does not have", () => {
    expect(findError("toString")).toBeUndefined();
    expect(findError("ERR_NOTHING")).toBeUndefined();
  });

  test("says what each exit code means, and gives errors no others", () => {
    expect(Object.keys(EXIT_MEANINGS).sort()).toEqual(Object.keys(EXIT).sort());
    const codes = new Set<number | undefined>([undefined, ...Object.values(EXIT)]);
    for (const [, { exit }] of entries) expect(codes).toContain(exit);
  });

  test("is loaded by the command line only where an error is reported", () => {
    const files = globSync("dist/cli/*.cjs", { cwd: root });
    const program = files.map((file) => readFileSync(join(root, file), "utf8"));
    const uses = [...program.join("\n").matchAll(/(.{0,30})\b__part\("error-catalogue-\w+"\)/g)];
    expect(uses).not.toHaveLength(0);
    for (const [, before] of uses) expect(before).toMatch(/Promise\.resolve\(\)\.then\(\(\)=>$/);
  });
});
