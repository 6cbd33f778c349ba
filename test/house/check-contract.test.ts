import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../scripts/check-contract.mjs", import.meta.url));

/** The lines that the script prints for a house that holds just these files. */
function check(files: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), "contract-"));
  mkdirSync(join(root, "src"));
  mkdirSync(join(root, "runtime-setup"));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  const { stdout, stderr, status } = spawnSync(process.execPath, [SCRIPT, root], { encoding: "utf8" });
  rmSync(root, { recursive: true });
  expect(stderr).toBe("");
  const lines = stdout.split("\n").filter((line) => line !== "");
  expect(status).toBe(lines.length > 0 ? 1 : 0);
  return lines;
}

describe("check-contract", () => {
  test.each([
    ["an op", "runtime-setup/guest/x.ts", 'callSync("run_start", {});', 'names "run_start"', "OPS.run_start"],
    ["a kind of entry", "src/engine/x.ts", "enter('timer_fire', 1);", 'names "timer_fire"', "FRAMES.timer_fire"],
    ["a way of delivery", "src/engine/x.ts", 'if (d === "last_event") {}', 'names "last_event"', "DELIVERY.last"],
  ])("refuses the name of %s in a string", (_, file, text, what, advice) => {
    const lines = check({ [file]: `\n${text}\n` });
    expect(lines).toEqual([expect.stringContaining(`${file}:2  ${what}`)]);
    expect(lines[0]).toContain(advice);
  });

  test("takes names in comments, in longer texts and in the contract itself", () => {
    const files = {
      "src/engine/x.ts": '// "run_start"\nthrow new Error("run_start failed");',
      "src/shared/contract/ops.ts": 'export const name = "run_start";',
    };
    expect(check(files)).toEqual([]);
  });

  test("the project as it stands passes", () => {
    const { stdout, status } = spawnSync(process.execPath, [SCRIPT], { encoding: "utf8" });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });
});
