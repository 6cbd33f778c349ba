import { execFileSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { compileJsonSchema } from "../../src/providers/schema/json-schema.ts";
import { timed } from "../machine/machine-watch.ts";
import { patience } from "../machine/patience.ts";

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
    [{ not: { required: ["z"] } }, { z: 1 }, 'input: expected what does not fit "not", found an object'],
    [
      { not: { type: "object", required: ["z"] } },
      { z: 1 },
      'input: expected what does not fit "not", found an object',
    ],
    [{ not: { type: "object" } }, { z: 1 }, "input: expected anything but an object, found an object"],
    [{ type: "integer", multipleOf: 5 }, 7, "input: expected a multiple of 5, found 7"],
    [{ type: ["string", "null"] }, 3, "input: expected a string or null, found 3"],
    [{ oneOf: [{ type: "string" }, { type: "boolean" }] }, 3, "input: expected a string or a boolean, found 3"],
    [{ type: "array", uniqueItems: true }, [1, 1], "input[1]: expected "],
  ])("%j: %j is %j", async (schema, value, text) => {
    expect(await flaw(schema, value)).toContain(text);
  });

  const beside = { dependentRequired: { card: ["address"] }, dependentSchemas: { gift: { required: ["note"] } } };
  // Not written as an object: one with a then is taken for a promise.
  const branch = JSON.parse(
    '{"if":{"properties":{"kind":{"const":"a"}}},"then":{"required":["x"]},"else":{"required":["y"]}}',
  ) as object;
  it.each<[Record<string, unknown>, unknown, string | undefined]>([
    [{ not: { type: "string" } }, 5, undefined],
    [{ not: { type: "string" } }, "x", 'input: expected anything but a string, found "x"'],
    [{ properties: { a: { not: { const: 1 } } } }, { a: 1 }, "input.a: expected anything but 1, found 1"],
    [{ ...branch }, { kind: "a", x: 1 }, undefined],
    [{ ...branch }, { kind: "a" }, "input.x: expected a value, found nothing"],
    [{ ...branch }, { kind: "b" }, "input.y: expected a value, found nothing"],
    [beside, { card: 1, address: 2 }, undefined],
    [beside, { card: 1 }, 'input.address: expected a value, since "card" is there, found nothing'],
    [beside, { gift: 1 }, "input.note: expected a value, found nothing"],
    [{ dependencies: { a: ["b"] } }, { a: 1 }, 'input.b: expected a value, since "a" is there, found nothing'],
    [
      { type: "object", propertyNames: { pattern: "^[a-z]+$" } },
      { a: 1, B2: 1 },
      "input.B2: the name of the field does not fit",
    ],
    [{ patternProperties: { "^n_": { type: "number" } } }, { n_x: "1" }, 'input.n_x: expected a number, found "1"'],
    [
      { contains: { const: 1 }, maxContains: 1 },
      [1, 1],
      'input: expected at most 1 items that fit "contains", found a list',
    ],
    [{ prefixItems: [{ type: "string" }, { type: "number" }] }, ["x", "y"], 'input[1]: expected a number, found "y"'],
    [
      { items: [{ type: "string" }], additionalItems: false, $schema: "http://json-schema.org/draft-07/schema#" },
      ["x", 1],
      "input[1]: nothing may stand here",
    ],
    [
      { properties: { a: {} }, unevaluatedProperties: false },
      { a: 1, aa: 1 },
      'input.aa: no such field, did you mean "a"?',
    ],
    [{ oneOf: [{ minimum: 1 }, { minimum: 2 }] }, 3, "input: expected to fit exactly one of the schemas of oneOf"],
    [
      {
        oneOf: [
          { properties: { a: { type: "number" } } },
          { properties: { b: { properties: { c: { type: "number" } } } }, required: ["b"] },
        ],
      },
      { a: "x", b: { c: "x" } },
      'input.b.c: expected a number, found "x"',
    ],
    [{ pattern: "^a+$" }, "b", 'input: expected a text that fits the pattern "^a+$", found "b"'],
    [{ pattern: "^(?=.*\\d)[\\w-.]+$" }, "ab", "that fits the pattern"],
    [{ pattern: "^(?=.*\\d)[\\w-.]+$" }, "a1", undefined],
    [{ pattern: "^\\S+\\s\\S+$" }, "a\u00a0b", undefined],
    [{ pattern: "^[^\\s]+$" }, "a\u00a0b", "that fits the pattern"],
    [{ pattern: "^\\p{Lu}é\\u{1F600}$" }, "Éé😀", undefined],
    [{ format: "email" }, "nobody", 'input: expected a text of the format "email", found "nobody"'],
    [{ format: "date-time" }, "2026-01-01T00:00:00Z", undefined],
    [{ type: "string", nullable: true }, null, undefined],
    [{ minProperties: 1 }, {}, "input: expected at least 1 fields, found an object"],
    [{ const: { a: 1 } }, { a: 2 }, 'input: expected {"a":1}, found an object'],
    [{ properties: { a: false } }, { a: 1 }, "input.a: nothing may stand here"],
    [
      { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { properties: { "x/y": { minimum: 3 } } } } },
      { "x/y": 1 },
      "input.x/y: expected at least 3, found 1",
    ],
  ])("%j: %j is %j", async (schema, value, text) => {
    const told = await flaw(schema, value);
    if (text === undefined) expect(told).toBeUndefined();
    else expect(told).toContain(text);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ type: "strnig" }, '"type": Unsupported type: strnig, it must be one of string, number'],
    [{ properties: { a: { type: ["string", 5] } } }, '"properties.a.type": Unsupported type: 5'],
    [{ properties: { a: { required: true } } }, '"properties.a.required" must be a list of names'],
    [{ properties: [] }, '"properties" must be an object'],
    [{ anyOf: {} }, '"anyOf" must be a list'],
    [{ not: 5 }, '"not" must be an object'],
    [{ properties: { a: { pattern: "(" } } }, '"properties.a.pattern" must be a regular expression'],
    [{ patternProperties: { "[": {} } }, '"patternProperties.[" must be a regular expression'],
    [{ $ref: "#/$defs/nowhere" }, 'nothing is at $ref "#/$defs/nowhere"'],
    [{ minLength: -1 }, '"minLength" must be a number from 0'],
    [{ enum: "a" }, '"enum" must be a list'],
  ])("refuses %j as a schema", async (schema, text) => {
    const error = await compileJsonSchema(schema, "the schema").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "ValidationError", code: "ERR_SCHEMA" });
    expect(String(error)).toContain(`Cannot use the schema: it is not a JSON schema that can be checked: ${text}`);
  });

  it("refuses a schema that is too long to be read", async () => {
    const schema = { description: "x".repeat(300_000) };
    await expect(compileJsonSchema(schema, "the schema")).rejects.toThrow("it has more than 262144 characters");
  });

  it("takes properties without a type for those of an object, at every depth", async () => {
    const schema = { properties: { inner: { properties: { x: { type: "number" } } } } };
    expect(await flaw(schema, { inner: { x: "1" } })).toContain("input.inner.x: expected a number");
    expect(await flaw(schema, "text")).toContain("expected an object");
  });

  it("takes half surrogate pairs for what the model gets in their place", async () => {
    const schema = {
      properties: { "a\ud800": { enum: ["v\udfff", "\\ud800"] } },
      required: ["a\ufffd"],
      additionalProperties: false,
    };
    expect(await flaw(schema, { "a\udbff": "v\ufffd" })).toBeUndefined();
    expect(await flaw(schema, { "a\ufffd": "\\ud800" })).toBeUndefined();
    expect(await flaw(schema, { "a\ufffd": "\\ufffd" })).toContain("input.a\ufffd: expected");
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
    expect(ms).toBeLessThan(allow(12_000));
  });
});

describe("checks of what hostile people write", () => {
  const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
  const exponential = {
    $ref: "#/$defs/t",
    $defs: {
      t: { anyOf: Array.from({ length: 6 }, () => ({ properties: { x: { $ref: "#/$defs/t" } }, required: ["x"] })) },
    },
  };
  const long = (depth: number): unknown => (depth === 0 ? {} : { x: long(depth - 1) });

  it("refuse what is too long, too deep or too large before anybody parses it", async () => {
    const check = await compileJsonSchema({}, "the schema");
    expect(await check("x".repeat(1_100_000), "input")).toBe("input: it is longer than 1048576 characters");
    expect(await check(nested(150), "input")).toBe("input: it is nested deeper than 128 levels");
    expect(
      await check(
        Array.from({ length: 120_000 }, () => 0),
        "input",
      ),
    ).toBe("input: it is made of more than 100000 values");
  });

  it.each(["^(a+)+$", "(x+x+)+y", "^(a|aa)+$", "(.*)*b"])(
    "with the pattern %s are as fast as with any other",
    async (pattern) => {
      const check = await compileJsonSchema({ pattern }, "the schema");
      const { result, ms, allow } = await timed(() => check(`${"a".repeat(50_000)}!`, "input"));
      expect(result).toContain("that fits the pattern");
      expect(ms).toBeLessThan(allow(900));
    },
  );

  it("that need for ever are cut off, and the next is made", async () => {
    const slow = await compileJsonSchema({ pattern: "^(?=(a+)+$)a" }, "the schema", { owner: {} });
    expect(await slow(`${"a".repeat(40)}!`, "input")).toBe("input: checking it against the schema takes too long");
    expect(await slow("aa", "input")).toBeUndefined();
  });

  it("that kill their process are no harm to this one", async () => {
    const doubling = Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [
        `d${n}`,
        { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
      ]),
    );
    const schema = { $ref: "#/$defs/d0", $defs: { ...doubling, d40: { not: {} } } };
    const endless = { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } };
    for (const hostile of [schema, endless]) {
      const check = await compileJsonSchema(hostile, "the schema", { owner: {} });
      expect(await check(1, "input")).toEqual(expect.any(String));
    }
    expect(await flaw({ type: "string" }, 5)).toBe("input: expected a string, found 5");
  });

  it("of one owner do not hold up those of another", async () => {
    const good = await compileJsonSchema({ type: "number" }, "the schema", { owner: {} });
    const hostile = await Promise.all(
      Array.from({ length: 4 }, () => compileJsonSchema(exponential, "the schema", { owner: {} })),
    );
    let isOver = false;
    const flood = Promise.all(hostile.map((check) => check(long(40), "input"))).finally(() => (isOver = true));
    const times: number[] = [];
    const { allow } = await timed(async () => {
      for (let round = 0; round < 20; round++) {
        const started = performance.now();
        expect(await good(round, "input")).toBeUndefined();
        times.push(performance.now() - started);
      }
    });
    expect(isOver).toBe(false);
    // Each of them may be in the way once, and only for as long as the first check may compute.
    expect(times.toSorted((a, b) => a - b)[times.length - hostile.length - 1]).toBeLessThan(allow(100));
    for (const told of await flood) expect(told).toContain("takes too long");
  });

  it("of two owners at a time do not each time start a process", async () => {
    const checks = await Promise.all(
      Array.from({ length: 2 }, () => compileJsonSchema({ type: "number" }, "the schema", { owner: {} })),
    );
    let started = 0;
    const count = (): void => void started++;
    subscribe("child_process", count);
    for (let round = 0; round < 10; round++) await Promise.all(checks.map((check) => check(round, "input")));
    unsubscribe("child_process", count);
    expect(started).toBeLessThanOrEqual(2);
  });

  it("that nobody waits for any more are dropped", async () => {
    const owner = {};
    const check = await compileJsonSchema(exponential, "the schema", { owner });
    const first = check(long(40), "input");
    const controller = new AbortController();
    const dropped = Array.from({ length: 50 }, () => check(long(40), "input", controller.signal));
    controller.abort();
    let isOver = false;
    void first.then(() => (isOver = true));
    for (const told of await Promise.all(dropped)) expect(told).toContain("nobody waits for the check");
    // The one under way takes more than half a second of computing.
    expect(isOver).toBe(false);
    expect(await first).toContain("takes too long");
  });

  it("keep this process alive no longer than they take", () => {
    const file = fileURLToPath(new URL("../../src/providers/schema/json-schema.ts", import.meta.url));
    const source = `
      const { compileJsonSchema } = await import(process.argv[1]);
      const check = await compileJsonSchema({ type: "string" }, "the schema");
      console.log(await check(5, "input"));`;
    const args = ["--input-type=module", "-e", source, file];
    expect(execFileSync(process.execPath, args, { encoding: "utf8", timeout: patience(20_000) }).trim()).toBe(
      "input: expected a string, found 5",
    );
  });
});
