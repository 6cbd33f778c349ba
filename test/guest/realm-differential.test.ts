import fc from "fast-check";
import { getQuickJS, type QuickJSWASMModule } from "quickjs-emscripten";
import { afterAll, beforeAll, describe, it } from "vitest";
import { expect } from "vitest";
import { createGuest, type Guest } from "./guest-harness.ts";

/**
 * Programs that two JavaScript engines, of different makers, must agree on: what the guest runtime has removed from the
 * realm, or written with captured intrinsics, must not change the language.
 */
let guest: Guest;
let quickjs: QuickJSWASMModule;
beforeAll(async () => {
  [guest, quickjs] = await Promise.all([createGuest(), getQuickJS()]);
});
afterAll(() => guest.close());

const name = fc.constantFrom("a", "b", "c");
const literal = fc.oneof(
  fc.integer({ min: -9, max: 99 }).map((value) => `(${value})`),
  fc.constantFrom(
    '"x"',
    '"12"',
    '""',
    "null",
    "undefined",
    "true",
    "false",
    "NaN",
    "-0",
    "1e21",
    "0.1",
    "3n",
    "[]",
    "{}",
  ),
  fc.constantFrom(
    "[3, 1, 2]",
    "[1, [2, [3]]]",
    '{ a: 1, "b": [2] }',
    "new Map([[1, 2]])",
    "new Set([1, 1, 2])",
    "/b+/g",
  ),
);

/** Expressions whose values do not depend on the machine, the time or the engine's own words. */
const { expression } = fc.letrec<{ expression: string; list: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    literal,
    name,
    fc
      .tuple(
        tie("expression"),
        fc.constantFrom("+", "-", "*", "%", "<", ">=", "==", "===", "&&", "||", "??", "&", "<<", ","),
        tie("expression"),
      )
      .map(([left, sign, right]) => (sign === "??" ? `((${left}) ?? (${right}))` : `(${left} ${sign} ${right})`)),
    fc
      .tuple(fc.constantFrom("!", "-", "typeof ", "void ", "~", "+"), tie("expression"))
      .map(([sign, value]) => `(${sign}(${value}))`),
    fc.tuple(tie("expression"), tie("expression"), tie("expression")).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc.tuple(name, tie("expression")).map(([to, value]) => `(${to} = ${value})`),
    fc.tuple(name, tie("expression"), tie("expression")).map(([p, body, value]) => `((${p}) => (${body}))(${value})`),
    fc
      .tuple(tie("list"), fc.constantFrom("map", "filter", "flatMap", "find", "some", "every"), tie("expression"))
      .map(([list, method, body]) => `(${list}).${method}((a, b) => (${body}))`),
    fc
      .tuple(
        tie("list"),
        fc.constantFrom(
          "join('-')",
          "at(-1)",
          "length",
          "toSorted()",
          "includes(1)",
          "flat(2)",
          "slice(1)",
          "reduce((x, y) => x + y, 0)",
        ),
      )
      .map(([list, call]) => `(${list}).${call}`),
    fc
      .tuple(
        tie("expression"),
        fc.constantFrom(
          "toUpperCase()",
          "padStart(4, '0')",
          "split('')",
          "at(0)",
          "replaceAll('1', 'one')",
          "codePointAt(0)",
        ),
      )
      .map(([value, call]) => `String(${value}).${call}`),
    fc
      .tuple(tie("expression"), fc.constantFrom("a", "0", "size", "length", "constructor?.name"))
      .map(([value, key]) => (key === "0" ? `(${value})?.[0]` : `(${value})?.${key}`)),
    tie("expression").map(
      (value) =>
        `(() => { try { return ${value}; } catch (e) { return e instanceof Error ? e.constructor.name : e; } finally { c = 1; } })()`,
    ),
    tie("expression").map((value) => `JSON.stringify(${value})`),
    tie("expression").map((value) => `structure(${value})`),
    tie("expression").map((value) => `[...(function* () { const x = yield ${value}; yield x; yield* [1, 2]; })()]`),
    fc
      .tuple(tie("expression"), tie("expression"))
      .map(
        ([a, b]) =>
          `((({ x = ${a}, ...rest }, [y, ...ys] = [${b}]) => [x, y, ys.length, Object.keys(rest)])({ z: 1 }))`,
      ),
    fc
      .tuple(tie("expression"), tie("expression"))
      .map(
        ([a, b]) =>
          `new (class A { #p = ${a}; static s = 1; get v() { return this.#p; } m(q = ${b}) { return [this.v, q]; } })().m()`,
      ),
    tie("expression").map((value) => `\`<\${String(${value})}>\``),
    fc
      .tuple(tie("expression"), fc.constantFrom("1", "'x'", "null"))
      .map(
        ([value, thrown]) =>
          `(() => { for (const a of [1, 2, 3]) { if (a === 2) continue; try { if (a === 3) throw ${thrown}; } catch { return [a, ${value}]; } } })()`,
      ),
  ),
  list: fc.oneof(
    fc.constantFrom("[3, 1, 2]", "[1, [2, [3]]]", "['b', 'a']", "[]"),
    tie("expression").map((value) => `[].concat(${value})`),
  ),
}));

/** Shows a value by its structure alone: own words of an engine, such as the text of a function, are left out. */
const PRELUDE = String.raw`
  const structure = (value, depth = 0) => {
    if (depth > 6) return "deep";
    if (typeof value === "function") return "function";
    if (typeof value === "symbol") return "symbol";
    if (typeof value === "bigint") return value + "n";
    if (typeof value === "string") return JSON.stringify(value);
    if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
    if (Array.isArray(value)) return "[" + value.map((item) => structure(item, depth + 1)).join() + "]";
    if (value instanceof Map || value instanceof Set) return value.constructor.name + structure([...value], depth + 1);
    if (value instanceof RegExp) return "regexp";
    if (value instanceof Error) return value.constructor.name;
    return "{" + Object.keys(value).sort().map((key) => key + ":" + structure(value[key], depth + 1)).join() + "}";
  };
  let a = 1, b = "two", c = [3];`;

function program(statements: readonly string[]): string {
  const told = statements.map(
    (text) =>
      `told.push((() => { try { return structure(${text}); } catch (e) { return "threw " + (e instanceof Error ? e.constructor.name : structure(e)); } })());`,
  );
  return `(() => { "use strict"; ${PRELUDE} const told = []; ${told.join(" ")} told.push(structure([a, b, c])); return told.join("|"); })()`;
}

function inQuickJS(code: string): string {
  const context = quickjs.newContext();
  try {
    const result = context.evalCode(code, "program.js", { strict: true });
    if (result.error !== undefined) {
      const error = context.dump(result.error) as { name?: string; message?: string };
      result.error.dispose();
      throw new Error(`${error.name}: ${error.message}`);
    }
    const value = context.getString(result.value);
    result.value.dispose();
    return value;
  } finally {
    context.dispose();
  }
}

describe("a program in a realm", () => {
  it("does what it does in an engine of another maker", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(expression, { minLength: 1, maxLength: 5 }), async (statements) => {
        const code = program(statements);
        expect(await guest.run(code)).toBe(inQuickJS(code));
      }),
      {
        numRuns: Number(process.env["FUZZ_RUNS"] ?? 300),
        interruptAfterTimeLimit: 15_000,
        markInterruptAsFailure: false,
      },
    );
  });

  it("runs its promises in the order of an engine of another maker", async () => {
    const step = fc.constantFrom(
      "await 0",
      "await Promise.resolve()",
      "await null",
      "await { then(f) { f(); } }",
      "await (async () => {})()",
      "",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 4 }), { minLength: 1, maxLength: 4 }), async (workers) => {
        const bodies = workers.map(
          (steps, index) =>
            `(async () => { ${steps.map((text, at) => `told.push("${index}.${at}"); ${text};`).join(" ")} told.push("${index} end"); })()`,
        );
        const code = `globalThis.told = []; globalThis.all = Promise.all([${bodies.join(", ")}]); 0`;
        await guest.run(code);
        const ours = await guest.run("all.then(() => told.join())");
        const context = quickjs.newContext();
        context.unwrapResult(context.evalCode(code)).dispose();
        context.runtime.executePendingJobs();
        const theirs = context
          .unwrapResult(context.evalCode("told.join()"))
          .consume((value) => context.getString(value));
        context.dispose();
        expect(ours).toBe(theirs);
      }),
      { numRuns: 60, interruptAfterTimeLimit: 15_000, markInterruptAsFailure: false },
    );
  });
});
