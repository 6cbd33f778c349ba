import { describe, expect, it } from "vitest";
import { closestName } from "../../src/shared/closest-name.ts";

describe("closestName()", () => {
  it("counts two letters that changed places as one slip", () => {
    expect(closestName("modle", ["provider", "model"])).toBe("model");
    expect(closestName("xyz", ["model"])).toBeUndefined();
  });

  it("takes the beginning of one name for that name", () => {
    expect(closestName("params", ["input", "parameters"])).toBe("parameters");
    expect(closestName("max", ["maxTokens", "maxToolRounds"])).toBeUndefined();
  });
});
