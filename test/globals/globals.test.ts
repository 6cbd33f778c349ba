import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RuntimeEngine, setupDefaults, type SetupFunction } from "../../src/index.ts";
import { Output } from "../engine/engine-harness.ts";
import { checkScripts, declaredNames, examples } from "./declared-globals.ts";

/** What ECMAScript itself has in a realm, as far as scripts are left with it. */
const LANGUAGE = new Set(
  (
    "Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol Date Promise RegExp " +
    "Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError SuppressedError globalThis " +
    "JSON Math Intl ArrayBuffer Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array Float32Array " +
    "Float64Array Uint8ClampedArray BigUint64Array BigInt64Array DataView Map BigInt Set Iterator WeakMap WeakSet Proxy " +
    "Reflect decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape eval isFinite isNaN " +
    "DisposableStack AsyncDisposableStack Temporal " +
    // The global object once more.
    "self"
  ).split(" "),
);

/** What a value of the guest has: names with the length of the function, or -1 for what is none. */
type Members = Record<string, number>;
interface GuestGlobal {
  /** Length of the function itself, or -1. */
  length: number;
  own: Members;
  /** Of a class: what its instances have. Of an object with a prototype of its own: what that has. */
  inherited: Members | undefined;
}

const DESCRIBE = `(() => {
  const members = (value, without) => Object.fromEntries(Object.getOwnPropertyNames(value)
    .filter((name) => !without.includes(name))
    .map((name) => {
      const { value: member } = Object.getOwnPropertyDescriptor(value, name);
      return [name, typeof member === "function" ? member.length : -1];
    }));
  const isClass = (value) => typeof value === "function" && /^class/.test(Function.prototype.toString.call(value));
  return Object.fromEntries(Object.getOwnPropertyNames(globalThis).filter((name) => name !== "geppettoLastValue").map((name) => {
    const value = globalThis[name];
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return [name, { length: -1, own: {} }];
    const prototype = Object.getPrototypeOf(value);
    const inherited = isClass(value) ? value.prototype : typeof value === "object" && prototype !== Object.prototype ? prototype : undefined;
    return [name, {
      length: typeof value === "function" && !isClass(value) ? value.length : -1,
      own: typeof value === "function" && !isClass(value) ? {} : members(value, ["length", "name", "prototype"]),
      inherited: inherited && members(inherited, ["constructor"]),
    }];
  }));
})()`;

let engine: RuntimeEngine;
let guest: Map<string, GuestGlobal>;
const output = new Output();

/** Makes what a script says of its values into failures of the test. */
const setupExpectations =
  (failures: string[]): SetupFunction =>
  async (vm) => {
    await vm.op(
      "expectValue",
      (value: unknown, expected: unknown) => {
        if (JSON.stringify(value) !== JSON.stringify(expected)) {
          failures.push(`got ${JSON.stringify(value)}, not ${JSON.stringify(expected)}`);
        }
      },
      { mode: "sync" },
    );
  };
const failures: string[] = [];

beforeAll(async () => {
  engine = new RuntimeEngine({
    isolation: "thread",
    console: output,
    setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
  });
  await engine.start();
  const described = (await engine.runOnLoop(DESCRIBE)) as Record<string, GuestGlobal>;
  guest = new Map(Object.entries(described).filter(([name]) => !LANGUAGE.has(name)));
  await engine.setUp(setupExpectations(failures));
});
afterAll(() => engine.close());

/** A file that compiles exactly when the declarations say what is there: member by member, function by function. */
function comparison(): string {
  const lines = [
    "type Names<T> = Exclude<Extract<keyof T, string>, 'prototype'>;",
    "type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;",
    "type Takes<F> = F extends (...args: infer A) => unknown ? A['length'] : never;",
    "const same = <A, B>(_same: Same<A, B>): void => {};",
    "const takes = <F>(_count: Takes<F>): void => {};",
  ];
  const union = (members: Members): string =>
    Object.keys(members)
      .map((name) => JSON.stringify(name))
      .join(" | ") || "never";
  const compare = (type: string, members: Members): void => {
    lines.push(`same<Names<${type}>, ${union(members)}>(true);`);
    for (const [name, length] of Object.entries(members)) {
      if (length >= 0) lines.push(`takes<(${type})[${JSON.stringify(name)}]>(${length});`);
    }
  };
  for (const [name, { length, own, inherited }] of guest) {
    // Which there are is for the host to say.
    if (name === "secrets" || name === "mcp") continue;
    if (length >= 0) lines.push(`takes<typeof ${name}>(${length});`);
    else if (name === "doubleStep") compare("Step", inherited!);
    else {
      if (inherited === undefined || /^[A-Z]/.test(name)) compare(`typeof ${name}`, own);
      const type = /^[A-Z]/.test(name) ? name : `typeof ${name}`;
      if (inherited !== undefined)
        compare(`Omit<${type}, Exclude<keyof ${baseOf(name)}, ${union(inherited)}>>`, inherited);
    }
  }
  return lines.join("\n");
}

/** The class that a class extends: what instances have from there is not their own. */
function baseOf(name: string): string {
  if (/^(?:AbortSignal|MessagePort|[pP]erformance)$/.test(name)) return "EventTarget";
  if (/^(?:Custom|Message)Event$/.test(name)) return "Event";
  if (name.startsWith("PerformanceM")) return "PerformanceEntry";
  return name === "DOMException" ? "Error" : "{}";
}

describe("the declared globals", () => {
  it("are those of a guest with everything, and input()", () => {
    expect(declaredNames()).toEqual([...guest.keys(), "input", "self"].sort());
  });

  it("have the members that are there, and functions of the arity that is there", () => {
    expect(checkScripts({ "comparison.ts": `${comparison()}\nexport {};` })).toBe("");
  });

  it("have functions with the names of their fields", async () => {
    const others = await engine.runOnLoop(`Object.getOwnPropertyNames(globalThis).flatMap((name) => {
      const value = globalThis[name];
      if (typeof value !== "object" || value === null || value === globalThis) return [];
      const fields = Object.entries(Object.getOwnPropertyDescriptors(value));
      return fields
        .filter(([field, { value: f }]) => typeof f === "function" && f.name !== field && value[f.name] !== f)
        .map(([field, { value: f }]) => name + "." + field + " is " + f.name);
    })`);
    expect(others).toEqual([]);
  });

  it("would be found to differ where they did", () => {
    const wrong = "same<Names<typeof openai>, 'createStep' | 'other'>(true);\ntakes<typeof steps.compose>(3);\n";
    expect(checkScripts({ "comparison.ts": `${comparison()}\n${wrong}export {};` })).toMatch(
      /error TS2345[^]*error TS2345/,
    );
  });
});

describe("the examples of the declared globals", () => {
  const all = examples();

  it("are there for every function that is declared", () => {
    expect(all.length).toBeGreaterThan(80);
    const code = all.map((example) => example.code).join("\n");
    const names = [...guest].flatMap(([name, { own, inherited, length }]) =>
      length >= 0
        ? [name]
        : Object.entries({ ...own, ...(name === "Conversation" || name === "doubleStep" ? inherited : {}) })
            .filter(([member, count]) => count >= 0 && !/^[A-Z]/.test(member))
            .map(([member]) => member),
    );
    const web = new Set(["parse", "canParse"]);
    expect(names.filter((name) => !web.has(name) && !code.includes(`${name}(`))).toEqual([]);
  });

  it("are accepted by the compiler", () => {
    const expectValue = "declare function expectValue(value: unknown, expected: unknown): void;";
    const files = all.map(({ code }, i) => [`example-${i}.js`, `${code}\nexport {};`]);
    expect(checkScripts({ ...Object.fromEntries(files), "expect.d.ts": expectValue })).toBe("");
  });

  it.each(all.map((example) => [example.place, example] as const))(
    "at %s run and give what they say",
    async (_, example) => {
      failures.length = 0;
      const outcome = await engine.runScript({ code: example.asserting, name: "example.js" });
      expect(outcome.error).toBeUndefined();
      expect(failures).toEqual([]);
    },
  );
});
