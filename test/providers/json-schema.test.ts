import { describe, expect, it } from "vitest";
import { fillSchema } from "../../src/providers/embedded/fill-schema.ts";
import { closestName, compileJsonSchema } from "../../src/providers/index.ts";
import { timed } from "../machine/machine-watch.ts";

async function flaw(schema: Record<string, unknown>, value: unknown): Promise<string | undefined> {
  return (await compileJsonSchema(schema, "the schema"))(value, "input");
}

describe("compileJsonSchema()", () => {
  const person = {
    type: "object",
    properties: {
      name: { type: "string", minLength: 2 },
      tags: { type: "array", items: { enum: ["a", "b"] }, maxItems: 2 },
    },
    required: ["name"],
  };

  it("lets pass what fits, with fields of other names too where the schema is open", async () => {
    expect(await flaw(person, { name: "Ada", tags: ["a"], more: 1 })).toBeUndefined();
    expect(await flaw({}, 5)).toBeUndefined();
  });

  it.each([
    [person, {}, "input.name: expected a string, found nothing"],
    [person, { name: "Ada", tags: ["c"] }, 'input.tags[0]: expected "a" or "b", found "c"'],
    [person, { name: "Ada", tags: ["a", "b", "a"] }, "input.tags: expected at most 2 items, found a list"],
    [person, { name: "A" }, 'input.name: expected at least 2 characters, found "A"'],
    [person, [], "input: expected an object, found a list"],
    [
      { ...person, additionalProperties: false },
      { name: "Ada", tgas: [] },
      'input.tgas: no such field, did you mean "tags"?',
    ],
    [{ type: "number", exclusiveMinimum: 3 }, 3, "input: expected more than 3, found 3"],
    [{ type: "integer", multipleOf: 5 }, 7, "input: expected a multiple of 5, found 7"],
    [{ type: ["string", "null"] }, 3, "input: expected a string or null, found 3"],
    [{ oneOf: [{ type: "string" }, { type: "boolean" }] }, 3, "input: expected a string or a boolean, found 3"],
    [{ type: "array", uniqueItems: true }, [1, 1], "input[1]: expected "],
  ])("%j: %j is %j", async (schema, value, text) => {
    expect(await flaw(schema, value)).toContain(text);
  });

  it("takes properties without a type for those of an object, at every depth", async () => {
    const schema = { properties: { inner: { properties: { x: { type: "number" } } } } };
    expect(await flaw(schema, { inner: { x: "1" } })).toContain("input.inner.x: expected a number");
    expect(await flaw(schema, "text")).toContain("expected an object");
  });

  it("follows references within the schema", async () => {
    const node = { type: "object", properties: { next: { $ref: "#/$defs/node" }, n: { type: "number" } } };
    const schema = { $ref: "#/$defs/node", $defs: { node } };
    expect(await flaw(schema, { next: { next: { n: "x" } } })).toContain("input.next.next.n: expected a number");
  });

  it("gives up a check that branches without end", async () => {
    const branch = { type: "object", properties: { x: { $ref: "#/$defs/t" } }, required: ["x"] };
    const schema = { $ref: "#/$defs/t", $defs: { t: { anyOf: Array.from({ length: 6 }, () => branch) } } };
    let value: unknown = {};
    for (let depth = 0; depth < 40; depth++) value = { x: value };
    const { result, ms, allow } = await timed(() => flaw(schema, value));
    expect(result).toContain("takes too long");
    expect(ms).toBeLessThan(allow(2000));
  });
});

describe("closestName()", () => {
  it("counts two letters that changed places as one slip", () => {
    expect(closestName("modle", ["provider", "model"])).toBe("model");
    expect(closestName("xyz", ["model"])).toBeUndefined();
  });
});

describe("fillSchema()", () => {
  it("comes to an end for a schema that refers to itself many times, or wants a text without end", async () => {
    const names = Array.from({ length: 60 }, (_, index) => [`p${index}`, { $ref: "#" }]);
    const {
      result: text,
      ms,
      allow,
    } = await timed(() => {
      fillSchema(
        { type: "object", properties: Object.fromEntries(names) as object, required: names.map(([name]) => name) },
        "x",
      );
      return fillSchema({ type: "string", minLength: 500_000_000 }, "x");
    });
    expect(String(text).length).toBeLessThan(20_000);
    expect(ms).toBeLessThan(allow(1000));
  });
});
