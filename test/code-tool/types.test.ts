import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeTool, type CodeResult, type CodeTool, type Vm } from "../../src/index.ts";
import { shareTypes } from "../../src/code-tool/shared-types.ts";
import { schemaType } from "../../src/providers/schema/schema-type.ts";
import { SHOP } from "./shop.ts";

let tool: CodeTool;
beforeAll(() => {
  tool = codeTool({
    tools: {
      ...SHOP,
      gift: {
        input: { type: "object", properties: { why: { enum: ["tea", "cake"] } }, required: ["why"] },
        run: () => 1,
      },
    },
    session: true,
    isolation: "thread",
    setup: [(vm: Vm) => vm.op("clock.now", () => "noon"), (vm: Vm) => vm.op("weather", () => ({ wind: 3 }))],
    types: "declare function weather(): Promise<{ wind: number }>;",
  });
});
afterAll(() => tool.close());

const run = (code: string): Promise<CodeResult> => tool.execute({ code });

describe("the types of a code tool", () => {
  it.each([
    ["a function that is not there", "await tools.orders.fnd({ id: 1 })", "Property 'fnd' does not exist"],
    ["input of a wrong type", 'await tools.orders.find({ id: "7" })', "'string' is not assignable to type 'number'"],
    ["input that lacks something", "await tools.orders.find({})", "Property 'id' is missing"],
    ["input with something else", "await tools.refund({ amount: 1, why: 2 })", "'why' does not exist"],
    ["a result that is no promise's", "tools.orders.find({ id: 1 }).state", "Property 'state' does not exist"],
    ["a state that there is not", '(await tools.orders.find({ id: 1 })).state === "closed"', "no overlap"],
    ["a member that a result has not", "(await weather()).rain", "Property 'rain' does not exist"],
    ["a name that is not there", "alert(1)", "Cannot find name 'alert'"],
    ["the same in TypeScript", "const a: number = 1; tools.orders.find({ id: String(a) })", "is not assignable"],
  ])("refuse code with %s before anything of it runs", async (_, code, message) => {
    const result = await run(`globalThis.begun = true; ${code}`);
    expect(result).toMatchObject({ ok: false, error: { code: "ERR_TYPES", line: 1 } });
    expect(result.problems![0]!.message).toContain(message);
    expect((await run("typeof begun")).value).toBe("undefined");
  });

  it.each([
    ["what only types would refuse", "parseInt(5.5) + ['1', '2'].map(parseInt).length", 7],
    ["an object that grows", "const o = {}; o.a = 1; o.a", 1],
    ["an array that grows", "const list = []; list.push(1); list", [1]],
    ["an error of any kind", "try { null.x } catch (error) { error.message.length > 3 }", true],
    ["a name that it asks for first", "typeof window === 'undefined' ? 1 : window.name", 1],
    ["a variable that it does not declare", "loose = 5; loose", 5],
    ["a member that a part of a union has", "[[1, 'a']].map(([n, s]) => s.length + n)", [2]],
    [
      "a text of which only the code knows what it is",
      "(await Promise.all(['tea'].map((why) => tools.gift({ why })))).length",
      1,
    ],
    ["a function that nobody has declared", "await clock.now()", "noon"],
    ["a top-level return", "if (true) return 5", 5],
    ["TypeScript", "interface A { a: number } const a: A = { a: 1 }; a.a", 1],
    [
      "what a function gives",
      "(await tools.orders.find({ id: 1 })).items.map((item) => item.toUpperCase())",
      ["TEA", "CUPS"],
    ],
  ])("let code run with %s", async (_, code, value) => {
    const { error, problems, ...result } = await run(code);
    expect({ error, problems }).toEqual({});
    expect(result).toMatchObject({ ok: true, value });
  });

  it("know what an earlier run has declared", async () => {
    await run("const mine = 5; class Thing { twice() { return mine * 2 } }");
    expect((await run("new Thing().twice()")).value).toBe(10);
    expect((await run("mime * 2")).problems![0]!.message).toContain("mime");
  });

  it("are those of the description, which is short", () => {
    expect(tool.description).toContain(
      'find(input: { id: number }): Promise<{ id: number; state: "open" | "sent"; items: string[] }>; // Finds an order',
    );
    expect(tool.description).toContain("declare function weather()");
    expect(tool.declarations).toContain("declare function searchTools");
    expect(tool.description.length).toBeLessThan(1_500);
  });

  it("are found by words where the description has no room for them", async () => {
    await using small = codeTool({ tools: SHOP, isolation: "thread", maxTypesChars: 90 });
    expect(small.description).toContain("searchTools");
    expect(small.description).not.toContain("refund(");
    expect(small.description).toContain("tools.orders: find, list");
    const code =
      'const [first] = await searchTools("money"); return [first.name, (await describeTool(first.name)).input.required]';
    expect((await small.execute({ code })).value).toEqual(["tools.refund", ["amount"]]);
    const both = await small.execute({ code: 'await describeTool(["refund", "tools.fails"])' });
    expect(both.value).toEqual([
      "tools.refund(input: { amount: number }): Promise<string> // Pays money back",
      "tools.fails(): Promise<any>",
    ]);
    expect((await small.execute({ code: 'await describeTool("nothing")' })).error!.message).toContain(
      "no such function",
    );
  });

  it("cost little where the code makes the compiler work without end", async () => {
    const grow = "type Grow<T extends 0[]> = T['length'] extends 900 ? T : Grow<[...T, 0]>;";
    const wide =
      "type Wide<T> = [T, T, T, T] extends infer U ? U : never; let x: Wide<Wide<Wide<Wide<Wide<Wide<Grow<[]>>>>>>>;";
    expect((await run(`${grow} ${wide} 5`)).value).toBe(5);
  });

  it("read no file that code names", async () => {
    const result = await run('/// <reference path="/etc/passwd" />\nconst a: import("/etc/passwd").X = 5; a');
    expect(JSON.stringify(result)).not.toContain("root:");
  });
});

describe("shareTypes()", () => {
  const order = '{ id: number; state: "open" | "se{nt"; items: { sku: string; quantity: number }[] }';

  it("says once what stands in several signatures, inner types too", () => {
    const given = [
      `find(input: { id: number }): Promise<${order}>`,
      `list(): Promise<(${order})[]>`,
      "count(): Promise<number>",
    ];
    const { types, signatures } = shareTypes(given);
    expect(types).toEqual([`type Type1 = ${order};`]);
    expect(signatures).toEqual([
      "find(input: { id: number }): Promise<Type1>",
      "list(): Promise<Type1[]>",
      "count(): Promise<number>",
    ]);
    const long = "{ sku: string; quantity: number; gift: boolean }";
    const nested = shareTypes([`a(): Promise<{ one: ${long}; two: ${long}; text: string }>`, `b(): Promise<${long}>`]);
    expect(nested.signatures).toEqual([
      "a(): Promise<{ one: Type1; two: Type1; text: string }>",
      "b(): Promise<Type1>",
    ]);
  });
});

describe("schemaType()", () => {
  it.each([
    [
      { type: "object", properties: { a: { type: "string" }, "b-c": { type: "integer" } }, required: ["a"] },
      '{ a: string; "b-c"?: number }',
    ],
    [{ type: "array", items: { anyOf: [{ type: "string" }, { type: "null" }] } }, "(string | null)[]"],
    [{ enum: ["a", 1, null] }, '"a" | 1 | null'],
    [{ const: "a" }, '"a"'],
    [{ type: ["string", "null"] }, "string | null"],
    [{ type: "object", additionalProperties: { type: "number" } }, "Record<string, number>"],
    [
      { allOf: [{ type: "object", properties: { a: {} } }, { oneOf: [{ type: "string" }, { type: "number" }] }] },
      "{ a?: unknown } & (string | number)",
    ],
    [{ $ref: "#/$defs/a", $defs: { a: { type: "boolean" } } }, "boolean"],
    [{ prefixItems: [{ type: "string" }, true], type: "array" }, "[string, unknown]"],
    [true, "unknown"],
    [7, "unknown"],
  ])("says of %j the type", (schema, type) => {
    expect(schemaType(schema)).toBe(type);
  });

  it("ends with schemas that refer to themselves, are deep, or grow by their references", () => {
    expect(schemaType({ $ref: "#" })).toBe("unknown");
    expect(schemaType({ type: "object", properties: { next: { $ref: "#" } } })).toContain("next?: ");
    const $defs = Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [
        `d${n}`,
        { type: "object", properties: { a: { $ref: `#/$defs/d${n + 1}` }, b: { $ref: `#/$defs/d${n + 1}` } } },
      ]),
    );
    expect(schemaType({ $ref: "#/$defs/d0", $defs }).length).toBeLessThan(3_000);
    let deep: object = { type: "string" };
    for (let n = 0; n < 1_000; n++) deep = { type: "array", items: deep };
    expect(schemaType(deep).length).toBeLessThan(100);
  });

  it("keeps what a schema says in its place", () => {
    const type = schemaType({ type: "object", properties: { 'a"; declare const b: any; //': { enum: ['"*/ evil'] } } });
    expect(type).toBe('{ "a\\"; declare const b: any; //"?: "\\"*/ evil" }');
    const tool = codeTool({ tools: { a: { description: "one\n};\ndeclare const evil: any;\u2028//", run: () => 1 } } });
    expect(tool.declarations.split("\n").filter((line) => line.startsWith("declare"))).toHaveLength(4);
  });
});
