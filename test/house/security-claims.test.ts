import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const docs = join(import.meta.dirname, "../../docs");
const root = join(import.meta.dirname, "../..");
const rows = readFileSync(join(docs, "security-tests.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && line.includes(".test.ts"))
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "").trim()))
  .map(([claim = "", file = "", name = ""]) => ({ claim, file: file.replaceAll("`", ""), name }));

describe("the tests that docs/security-tests.md names", () => {
  it("are as many as claims", () => {
    expect(rows.length).toBeGreaterThan(40);
    expect(new Set(rows.map(({ claim }) => claim)).size).toBe(rows.length);
  });

  it.each(rows)("exist: $claim", ({ file, name }) => {
    expect(readFileSync(join(root, "test", file), "utf8")).toContain(name);
  });
});

describe("the files that docs/security.md names", () => {
  const named = readFileSync(join(docs, "security.md"), "utf8").matchAll(/`(test\/[\w/.-]+)`/g);
  it.each([...new Set([...named].map(([, file]) => file!))])("exist: %s", (file) => {
    expect(existsSync(join(root, file))).toBe(true);
  });
});
