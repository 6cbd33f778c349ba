import { describe, expect, it } from "vitest";
import { fillSchema } from "../../src/providers/embedded/fill-schema.ts";

describe("fillSchema()", () => {
  it("comes to an end for a schema that refers to itself many times, or wants a text without end", () => {
    const names = Array.from({ length: 60 }, (_, index) => [`p${index}`, { $ref: "#" }]);
    const before = process.cpuUsage();
    fillSchema(
      { type: "object", properties: Object.fromEntries(names) as object, required: names.map(([name]) => name) },
      "x",
    );
    const text = fillSchema({ type: "string", minLength: 500_000_000 }, "x");
    expect(String(text).length).toBeLessThan(20_000);
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
  });

  it("takes a text that is long for many places once, and not more of it than a document may have", () => {
    const names = Array.from({ length: 5000 }, (_, index) => `p${index}`);
    const properties = Object.fromEntries(names.map((name, i) => [name, { type: i % 2 ? "number" : "string" }]));
    const before = process.cpuUsage();
    const filled = fillSchema({ type: "object", properties, required: names }, "x ".repeat(128 * 1024));
    expect(JSON.stringify(filled).length).toBeLessThan(1_200_000);
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
  });
});
