import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const folder = join(import.meta.dirname, "..");
/** A number as the last argument of a test or a hook, on the line of its brace or on one of its own, or as an option. */
const NUMBERS = [
  /^ *\}, [\d_]{5,}\);$/m,
  /^ *\},\n +[\d_]{5,},\n *\);$/m,
  /\.poll\(.*\{ timeout: [\d_]+ \}/,
  /^ *(?:it|test).*\{ timeout: [\d_]+ \}, /m,
];

describe("the deadlines of tests", () => {
  // A number that does is too short where others work on the machine; what vitest.config.ts says grows with the load.
  it("are those of all tests, or patience()", () => {
    const files = globSync("**/*.test.ts", { cwd: folder });
    expect(files.length).toBeGreaterThan(300);
    const bad = files.filter((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      return NUMBERS.some((number) => number.test(text));
    });
    expect(bad).toEqual([]);
  });
});
