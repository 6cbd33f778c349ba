import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

it("a process realm starts where the folder of packages is a link", () => {
  const folder = mkdtempSync(join(tmpdir(), "linked-"));
  try {
    for (const part of ["dist", "package.json"]) cpSync(join(root, part), join(folder, part), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const main = join(folder, "dist/cli/main.cjs");
    for (const more of [[], ["--untrusted"]]) {
      const args = [main, "eval", "--no-log", ...more, "6 * 7"];
      expect(execFileSync(process.execPath, args, { encoding: "utf8" })).toBe("42\n");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
