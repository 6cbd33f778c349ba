import { describe, expect, it } from "vitest";
import { cleanProviderText } from "../../src/providers/redact.ts";
import { timed } from "../machine/machine-watch.ts";

const SIZE = 64 * 1024;

describe("cleanProviderText()", () => {
  it.each([
    ["a key that never comes", `api key:${" ".repeat(SIZE)}`],
    ["tags that never end", `<html>${"<".repeat(SIZE)}`],
    ["titles that never end", `<html>${"<title".repeat(SIZE / 6)}`],
    ["scripts that never end", `<html>${"<script>".repeat(SIZE / 8)}`],
    ["paths", "/a".repeat(SIZE / 2)],
    ["lists", "[".repeat(SIZE)],
  ])("reads the longest body of an error that is made of %s in a moment", async (_, text) => {
    const { ms, allow } = await timed(() => cleanProviderText(text, ["secret"]));
    expect(ms).toBeLessThan(allow(100));
  });

  it("hides what is secret wherever it stands in a long text", () => {
    const clean = cleanProviderText(`${"/a/b/c ".repeat(1169)}my-secret-word`, ["my-secret-word"]);
    expect(clean).not.toContain("my-");
    expect(cleanProviderText("the key my-secret-word is wrong", ["my-secret-word"])).toBe(
      "the key [redacted] is wrong",
    );
  });
});
