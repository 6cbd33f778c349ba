import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const docs = join(import.meta.dirname, "../../docs");
const root = join(import.meta.dirname, "../..");

/** The rows of a document's tables: what is claimed, the test's file below test/, and its name. */
function claimsOf(document: string): { claim: string; file: string; name: string }[] {
  return readFileSync(join(docs, document), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| ") && line.includes(".test.ts"))
    .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "").trim()))
    .map((cells) => ({ claim: cells[0]!, file: cells.at(-2)!.replaceAll("`", ""), name: cells.at(-1)! }));
}

describe.each([
  ["security-tests.md", 40],
  ["field-reports.md", 35],
])("the tests that docs/%s names", (document, least) => {
  const rows = claimsOf(document);

  it("are as many as claims", () => {
    expect(rows.length).toBeGreaterThan(least);
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
