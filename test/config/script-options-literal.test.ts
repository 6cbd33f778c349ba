import { describe, expect, it } from "vitest";
import { readScriptOptions } from "../../src/config/script/script-options-literal.ts";

const read = (source: string): unknown => {
  const value = readScriptOptions(source, "a.js")?.value;
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
};

describe("readScriptOptions()", () => {
  it("reads texts, numbers, true, false, null, lists and objects, with comments and trailing commas", () => {
    const source = `#!/usr/bin/env geppetto-js
      import "x";
      export const before = 1, options = { // a comment
        chat: { "provider": 'openai', system: \`two
lines\`, temperature: +0.5, seed: -7, stop: ["a", "b",], /* another */ },
        limits: { maxCost: 5e-1, maxCalls: 0x10, timeout: null, }, tools: {}, 7: true,
      }`;
    expect(read(source)).toEqual({
      chat: { provider: "openai", system: "two\nlines", temperature: 0.5, seed: -7, stop: ["a", "b"] },
      limits: { maxCost: 0.5, maxCalls: 16, timeout: null },
      tools: {},
      7: true,
    });
  });

  it.each([
    ["none", "export const other = { options: {} };"],
    ["in a comment", "// export const options = { a: 1 }\nexport {};"],
    ["in a comment of several lines", "/*\nexport const options = { a: 1 }\n*/ export {};"],
    ["in a text", "export default 'export const options = { a: 1 }'"],
    ["in a template", "export default `\nexport const options = { a: 1 }\n`"],
    ["in a template within a template", "export default `${`\nexport const options = { a: 1 }`}`"],
    ["in a regular expression", "export default 4 / 2; /export const options = { a: 1 }/.test('')"],
    ["not exported", "const options = { a: 1 }; export default options;"],
    ["of a function", "export function f() { const options = { a: 1 }; }"],
    ["exported by another name", "const options = { a: 1 }; export { options as other };"],
    ["in a script that does not parse", "export default options +"],
  ])("finds none where they are %s", (_, source) => {
    expect(readScriptOptions(source, "a.js")).toBeUndefined();
  });

  it("is not fooled by what looks like a text, a comment or a regular expression before them", () => {
    const source = `const a = 1 / 2, b = /[/"\`]\\/*/, c = a++ / 2; if (a) /'/.test("//"); /* " */
      const d = \`\${ "}" + \`/*\` }\`, e = { f() { return /"/ } } / 2;
      export const options = { limits: { maxCalls: 1 } };`;
    expect(read(source)).toEqual({ limits: { maxCalls: 1 } });
  });

  it.each([
    ["a call", "export const options = { chat: { model: pick() } };", "1:41"],
    ["a name", "\n  export const options = {\n limits: LIMITS };", "3:10"],
    ["a spread", "export const options = { ...others };", "1:26"],
    ["a computed key", "export const options = { ['chat']: {} };", "1:26"],
    ["a shorthand", "const chat = {}; export const options = { chat };", "1:43"],
    ["a method", "export const options = { chat() {} };", "1:26"],
    ["a getter", "export const options = { get chat() { return {} } };", "1:26"],
    ["a template with a value in it", "export const options = { chat: { model: `gpt-${1}` } };", "1:41"],
    ["a sum", "export const options = { limits: { maxCalls: 1 + 1 } };", "1:46"],
    ["a regular expression", "export const options = { a: /x/ };", "1:29"],
    ["a bigint", "export const options = { a: 1n };", "1:29"],
    ["a list with a hole", "export const options = { a: [, 1] };", "1:29"],
    ["a frozen object", "export const options = Object.freeze({});", "1:24"],
    ["no object", "export const options = [];", "1:24"],
    ["a variable", "export let options = {};", "1:12"],
    ["nothing", "export var options;", "1:12"],
    ["a list of exports", "const o = {};\nexport { o as options };", "2:10"],
    ["a list of exports with a text", "const o = {};\nexport { o as 'options' };", "2:10"],
    ["taken apart", "export const { a: [{ b: options = 1 }] } = x;", "1:14"],
    ["a function", "export function options() {}", "1:8"],
  ])("refuses options that are %s, with the place", (_, source, place) => {
    const error = expect.objectContaining({
      name: "ConfigError",
      code: "ERR_CONFIG_SCRIPT",
      message: expect.stringContaining(`Cannot use a.js:${place}: `) as string,
    }) as Error;
    expect(() => readScriptOptions(source, "a.js")).toThrow(error);
  });

  it("refuses a script that does not parse where it seems to have options", () => {
    expect(() => readScriptOptions("export const options = { limits: { maxCalls: 1 };\n", "a.js")).toThrow(
      expect.objectContaining({
        code: "ERR_SCRIPT_LOAD",
        message: "Cannot read the options of a.js:1:49: unexpected token",
      }) as Error,
    );
  });

  it("says where keys and values stand, and takes __proto__ for a key", () => {
    const literal = readScriptOptions(
      `export const options = {\n  chat: { model: "x", stop: ["a", 7] },\n  "__proto__": { a: 1 },\n};`,
      "a.js",
    )!;
    expect(literal.locate!(["chat", "model"], "key")).toEqual({ line: 2, column: 11 });
    expect(literal.locate!(["chat", "model"], "value")).toEqual({ line: 2, column: 18 });
    expect(literal.locate!(["chat", "stop", "1"], "value")).toEqual({ line: 2, column: 35 });
    expect(literal.locate!([], "value")).toEqual({ line: 1, column: 24 });
    expect(Object.keys(literal.value as object)).toEqual(["chat", "__proto__"]);
    expect(({} as { a?: number }).a).toBeUndefined();
  });
});

describe("readScriptOptions() of TypeScript", () => {
  const source = `interface Limits {
  timeout: string;
}

enum Mode { Fast, Slow }
export const options: { limits: Limits; mode?: Mode } = {
  limits: { timeout: "5s" } satisfies Limits,
};`;

  it("reads what is there beside the types, with the places of what was written", () => {
    const found = readScriptOptions(source, "a.ts");
    expect(found?.value).toEqual({ limits: { timeout: "5s" } });
    expect(found?.locate?.(["limits", "timeout"], "value")).toEqual({ line: 7, column: 22 });
  });

  it.each([
    ["an assertion", `export const options = { a: 1 } as const;\nexport const x = 1;`, { a: 1 }],
    [
      "two, on more lines",
      `export const options = ({\n  a: ["x" as string, 1 as number | string],\n}) as unknown satisfies Record<string, Array<Map<string, number>>>\nfoo()`,
      { a: ["x", 1] },
    ],
    [
      "a type with functions, texts and commas in it",
      `export const options: { a: (x: "=", y: [number, string]) => { z: number }; b?: 1 } = { a: 1 };`,
      { a: 1 },
    ],
    [
      "decorators, generics and enums before it",
      `@sealed class A<T extends B<C>> { @x() y!: T; }\nexport enum E { options }\nexport type options = 1;\nexport const options = { a: 1 };`,
      { a: 1 },
    ],
    [
      "others in one statement",
      `export const m: Map<string, number> = new Map<string, number>([]), n = (a, b) => { return a < b }, options = { a: 1 };`,
      { a: 1 },
    ],
  ])("steps over %s", (_, text, value) => {
    expect(readScriptOptions(text, "a.ts")?.value).toEqual(value);
  });

  it("leaves what does not parse behind them to the engine", () => {
    expect(readScriptOptions(`${source}\nconst x: = 1;`, "a.ts")?.value).toEqual({ limits: { timeout: "5s" } });
  });

  it("says where it cannot read on before them", () => {
    const text = `const text = <p>don't</p>;\nexport const options = {};`;
    expect(() => readScriptOptions(text, "a.tsx")).toThrow(
      expect.objectContaining({
        code: "ERR_SCRIPT_LOAD",
        message: expect.stringMatching(/^Cannot read the options of a\.tsx:1:\d+: unterminated string/),
      }) as Error,
    );
  });
});

describe("readScriptOptions() of a large script", () => {
  it.each([
    ["declarations", (i: number) => `let a${i};`],
    ["functions in functions", () => "(function () {"],
    ["names in one pattern", (i: number) => (i === 0 ? "const {" : `b${i},`)],
    ["arrows", () => "(a, b) => "],
    ["regular expressions", () => "/[a-z]+(?:x|y)*/.test(x);"],
    ["templates", () => "`${"],
    ["lists", () => "["],
    ["types", () => "type A = B<"],
    ["exports", (i: number) => `export const c${i} = 1, d${i} = [1, 2];`],
    ["lists of exports", (i: number) => `export { c${i} };`],
  ])("takes time that grows with its length alone: %s", (_, part) => {
    const time = (count: number): number => {
      const source = `${Array.from({ length: count }, (_, i) => part(i)).join("\n")}\nexport const options = { a: 1 };`;
      const startedAt = process.cpuUsage();
      try {
        readScriptOptions(source, "a.ts");
      } catch {
        // Some of it does not parse.
      }
      return process.cpuUsage(startedAt).user;
    };
    time(10_000);
    // Ten times the length, and not a hundred times the time.
    expect(time(150_000)).toBeLessThan(40 * Math.max(time(15_000), 5_000));
  });

  it.each([
    ["lists", "[", "]"],
    ["objects", "{ a: ", "}"],
    ["parentheses", "(", ")"],
  ])("refuses options of %s in each other, however many", (_, open, close) => {
    const source = `export const options = { a: ${open.repeat(100_000)}1${close.repeat(100_000)} };`;
    expect(() => readScriptOptions(source, "a.js")).toThrow(/must be a literal/);
  });

  it("refuses one that is larger than any that runs, and says how large that is", () => {
    expect(() => readScriptOptions(`export const options = {};${" ".repeat(8_000_001)}`, "a.js")).toThrow(
      expect.objectContaining({
        code: "ERR_SCRIPT_LOAD",
        message: "Cannot read the options of a.js: the script is larger than 8000000 characters",
      }) as Error,
    );
  });
});
