import { describeAttacks, type Attack } from "./attack.ts";

const ANY: readonly string[] = ["ERR_LIMIT_WALL", "ERR_LIMIT_MEMORY", "ERR_ENGINE_CRASHED"];

/** Values that are too large, too deep or of no kind that crosses; `code` of the refusal where there is one. */
const VALUES: [string, string][] = [
  ["a nest of ten thousand arrays", "(() => { let v = []; for (let i = 0; i < 1e4; i++) v = [v]; return v; })()"],
  ["a nest of ten thousand records", "(() => { let v = {}; for (let i = 0; i < 1e4; i++) v = { a: v }; return v; })()"],
  ["a cycle", "(() => { const v = []; v[0] = { v }; return v; })()"],
  [
    "a cycle through maps and errors",
    "(() => { const m = new Map(); const e = new Error('x'); e.cause = m; m.set(e, m); return m; })()",
  ],
  ["a diamond of a million paths", "(() => { let v = 1; for (let i = 0; i < 40; i++) v = [v, v]; return v; })()"],
  ["a sparse array of four billion", "(() => { const v = []; v.length = 2 ** 32 - 1; return v; })()"],
  ["a text of seventeen million characters", "'x'.repeat(17e6)"],
  ["a text of many escapes", "'\\u0001'.repeat(3e6)"],
  ["lone surrogates", "'\\ud800'.repeat(1000)"],
  ["a record of a hundred thousand fields", "Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => ['k' + i, i]))"],
  ["a key of a million characters", "({ ['k'.repeat(1e6)]: 1 })"],
  ["functions, symbols and generators", "[() => {}, Symbol('s'), (function* () {})(), async () => {}, class {}]"],
  [
    "promises, weak maps and proxies",
    "[Promise.resolve(1), new WeakMap(), new Proxy([], {}), new Proxy(() => {}, {})]",
  ],
  [
    "views of every kind",
    "[new DataView(new ArrayBuffer(8)), new BigInt64Array(2), new Float64Array(3), new ArrayBuffer(4), new Uint8ClampedArray(2)]",
  ],
  ["a view of thirty megabytes", "new Uint8Array(30e6)"],
  ["a giant bigint", "2n ** 200000n"],
  ["numbers that are none", "[NaN, -0, Infinity, -Infinity, 2 ** 53, 5e-324]"],
  [
    "__proto__, constructor and then as keys",
    'JSON.parse(\'{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"then":1,"toString":1,"hasOwnProperty":1}\')',
  ],
  [
    "keys that are the codec's own",
    "({ $: 'date', v: {}, a: { $: 'typed', name: 'constructor', v: [1] }, b: { $: 'typed', name: 'Float32Array', b: 0 }, c: { $: 'bigint', v: 'x' }, d: { $: 'object', v: { $: 'map', v: 5 } }, e: { $: '__proto__' } })",
  ],
  [
    "boxed primitives and arguments",
    "[Object(1), Object('x'.repeat(10)), Object(Symbol()), Object(1n), (function () { return arguments; })(1)]",
  ],
  [
    "an error of errors",
    "new AggregateError(Array.from({ length: 1000 }, () => new Error('x'.repeat(1000))), 'all', { cause: new Error('c') })",
  ],
];

/** Where a value crosses. What comes back is in `out`; failures count by their code. */
const WAYS: [string, string][] = [
  ["done", "done(value); await new Promise(() => {});"],
  ["a step, as input", "out = await doubleStep.startAsync(value);"],
  ["a lambda, in and out", "out = (await steps.createLambdaStep((v) => v).startAsync(value))[0] === value;"],
  ["a blocking lambda", "out = steps.createLambdaStep((v) => v).startBlocking(value).length;"],
  [
    "a chat, as content",
    "out = (await new ChatStepFactory().newStep().startAsync({ messages: [{ role: 'user', content: value }] })).length;",
  ],
  [
    "metadata and a tool's result",
    "const c = new Conversation(); c.addMessage('user', 'x', { metadata: value }); c.addToolUse('t', 'n', value); c.addToolResult('t', value); out = (await new ChatStepFactory().newStep().startAsync(c)).length;",
  ],
  [
    "a chat's options",
    "out = (await chat('echo: x', { tools: [{ name: 'a', description: 'b', input: value }], system: value, responseFormat: value })).length;",
  ],
  ["embeddings", "out = (await embeddings.generateEmbeddings(value)).length;"],
];

const GRID: Attack[] = VALUES.flatMap(([name, value], i) =>
  WAYS.map(([way, code], j) => ({
    turn: i + j,
    name: `sends ${name} through ${way}`,
    code: `const value = ${value}; let out;
      try { ${code} } catch (error) { out = String(error?.code); }
      if (({}).polluted !== undefined) throw new Error("polluted");
      done(typeof out);`,
    ends: ["done", ...ANY],
    ...(/million|thirty|diamond|billion/.test(name)
      ? { notInThread: "its copies may outgrow the heap, where V8 can abort" }
      : {}),
  })),
);

const CLONES: Attack[] = VALUES.map(([name, value]) => ({
  name: `clones, prints and exports ${name}`,
  code: `const value = ${value}; try { structuredClone(value); } catch {} try { console.log(value); } catch (error) { throw new Error("console threw " + error); } export default value;`,
  ends: ["completed", "ERR_LIMIT_OUTPUT", ...ANY],
  ...(/million|thirty|diamond|billion/.test(name)
    ? { notInThread: "its copies may outgrow the heap, where V8 can abort" }
    : {}),
}));

describeAttacks("odd values", [...GRID, ...CLONES]);
