import { describeAttacks, type Attack } from "./attack.ts";

const WALL = "ERR_LIMIT_WALL";
const CRASH = "ERR_ENGINE_CRASHED";
/** Whichever comes first: what such a script does first depends on the machine. */
const BROKEN: readonly string[] = [WALL, "ERR_LIMIT_MEMORY", CRASH];
/** V8 may also refuse what another version of it dies of. */
const REFUSED: readonly string[] = [
  ...BROKEN,
  "uncaught RangeError",
  "uncaught TypeError",
  "uncaught Error",
  "uncaught SyntaxError",
  "completed",
  "load",
  "uncaught LimitError",
];

const LOOP = "a native loop that V8 cannot interrupt keeps its thread for ever";
const MEMORY = "V8 aborts its process, or outgrows it, before the isolate's limit is noticed";

/** Builtins over something that claims to be 2 ** 53 - 1 long, or never ends. */
const NATIVE_LOOPS: [string, string][] = [
  ["includes", "Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)"],
  ["indexOf", "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)"],
  ["lastIndexOf", "Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1)"],
  ["reverse", "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })"],
  ["copyWithin", "Array.prototype.copyWithin.call({ length: 2 ** 53 - 1 }, 1)"],
  ["fill", "Array.prototype.fill.call({ length: 2 ** 53 - 1 }, 1)"],
  ["unshift", "Array.prototype.unshift.call({ length: 2 ** 53 - 10 }, 1)"],
  ["splice", "Array.prototype.splice.call({ length: 2 ** 53 - 1 }, 0, 1)"],
  ["join", "Array.prototype.join.call({ length: 2 ** 53 - 1 }, '')"],
  ["sort", "Array.prototype.sort.call({ length: 2 ** 53 - 1 })"],
  ["concat", "Array.prototype.concat.call({ length: 2 ** 53 - 1, [Symbol.isConcatSpreadable]: true })"],
  ["flat", "Array.prototype.flat.call({ length: 2 ** 53 - 1 })"],
  ["every", "Array.prototype.every.call({ length: 2 ** 53 - 1 }, () => true)"],
  ["reduceRight", "Array.prototype.reduceRight.call({ length: 2 ** 53 - 1 }, () => 1)"],
  ["at the end of findLast", "Array.prototype.findLast.call({ length: 2 ** 53 - 1 }, () => false)"],
  ["String.raw", "String.raw({ raw: { length: 2 ** 53 - 1 } })"],
  ["Array.from", "Array.from({ length: 2 ** 32 - 1 })"],
  ["an iterator's drop", "(function* () { for (;;) yield 1; })().drop(Infinity).next()"],
  ["an iterator's toArray", "(function* () { for (;;) yield 1; })().toArray()"],
  [
    "a set's union",
    "new Set().union({ size: 1, has: () => true, keys: () => ({ next: () => ({ done: false, value: Math.random() }) }) })",
  ],
  ["Map.groupBy", "Map.groupBy((function* () { for (;;) yield {}; })(), (x) => x)"],
  ["spreading", "[...(function* () { for (;;) yield 1; })()]"],
  ["destructuring", "const [...all] = { [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }) }) }"],
  [
    "a proxy's own keys",
    "Object.keys(new Proxy({}, { ownKeys: () => Array.from({ length: 3e6 }, (_, i) => 'k' + i) }))",
  ],
];

/** Near-limit strings and arrays that V8's checks abort on, found by trying. */
const ABORTS: [string, string][] = [
  ["splits a string into 2 ** 28 parts", "'x'.repeat(2 ** 28).split('')"],
  ["splits by a pattern", "'x,'.repeat(2 ** 27).split(/,/)"],
  ["matches everywhere", "'x'.repeat(2 ** 28).match(/x/g)"],
  ["replaces everywhere by a function", "'x'.repeat(2 ** 28).replace(/x/g, () => 'yy')"],
  ["replaces all by longer text", "'x'.repeat(2 ** 28).replaceAll('x', 'yyyy')"],
  ["parses a list of 2 ** 27", "JSON.parse('[' + '1,'.repeat(2 ** 27) + '1]')"],
  ["makes an array of 2 ** 32 - 1 and fills it", "new Array(2 ** 32 - 1).fill(0)"],
  ["joins an array of 2 ** 27", "new Array(2 ** 27).fill('xx').join('yy')"],
  ["normalises text that grows eighteenfold", "'\\ufdfa'.repeat(2 ** 26).normalize('NFKD')"],
  ["upper-cases text that grows threefold", "'\\u0390'.repeat(2 ** 27).toUpperCase()"],
  ["upper-cases by locale", "'\\u0149'.repeat(2 ** 27).toLocaleUpperCase('tr')"],
  ["compares giant strings", "('a'.repeat(2 ** 27) + 'ä').localeCompare('a'.repeat(2 ** 27) + 'b', 'de')"],
  ["segments a giant string", "[...new Intl.Segmenter('th', { granularity: 'word' }).segment('ก'.repeat(2 ** 24))]"],
  ["escapes a giant pattern", "RegExp.escape?.('.'.repeat(2 ** 27)) ?? '.'.repeat(2 ** 29)"],
  ["stringifies with a giant indent", "JSON.stringify(new Array(2 ** 24).fill([[]]), null, 10)"],
  ["raises a bigint", "(2n ** (2n ** 30n - 1n)) ** 2n"],
  ["writes out a giant bigint", "(2n ** (2n ** 28n)).toString().length"],
  ["parses a giant bigint", "BigInt('9'.repeat(2 ** 27))"],
  ["applies 2 ** 26 arguments", "String.fromCharCode.apply(null, new Array(2 ** 26).fill(65))"],
  [
    "sorts an array that its comparator grows",
    "const a = [3, 2, 1]; a.sort(() => { a.length = 2 ** 27; a.fill(1); return 1; })",
  ],
  ["keeps typed arrays", "const a = []; for (;;) a.push(new Uint8Array(1e7).fill(1))"],
  ["keeps arrays", "const a = []; for (;;) a.push(new Array(1e4).fill(a.length))"],
  ["keeps closures", "let f = () => 1; for (;;) { const g = f; f = () => g; }"],
  [
    "keeps one growing string",
    "let s = 'x'; for (;;) { s += s; if (s.length > 2 ** 28) s = s.slice(1) + [s].join(); }",
  ],
  ["keeps symbols", "const a = new Map(); for (let i = 0; ; i++) a.set(Symbol.for('s' + i), i)"],
  [
    "keeps functions made of texts",
    "const a = []; for (let i = 0; ; i++) a.push(Function('return ' + i + '/*' + 'x'.repeat(1000) + '*/'))",
  ],
  [
    "keeps patterns",
    "const a = []; for (let i = 0; ; i++) { const r = new RegExp('(' + 'ab?'.repeat(500) + i + ')'); r.test('ab'.repeat(500)); a.push(r); }",
  ],
  [
    "keeps formatters",
    "const a = []; for (;;) a.push(new Intl.DateTimeFormat('ar-EG-u-ca-islamic', { dateStyle: 'full' }), new Intl.NumberFormat('zh-u-nu-hanidec'))",
  ],
  ["grows one map", "const m = new Map(); for (let i = 0; ; i++) m.set(i, i)"],
  [
    "takes a stack of everything",
    "Error.stackTraceLimit = Infinity; const all = []; const dive = (n) => { all.push(new Error('x').stack); dive(n + 1); }; for (;;) try { dive(0); } catch {}",
  ],
  [
    "clones a heap of wrappers",
    "const a = Array.from({ length: 1e6 }, () => ({ a: {} })); for (;;) structuredClone(a)",
  ],
];

const SLOW: Attack[] = [
  {
    name: "never lets its value be handed over",
    code: `await 0; export default { get x() { for (;;); } };`,
    ends: WALL,
  },
  {
    name: "never says what is in its value",
    code: `await 0; export default new Proxy({}, { get() { for (;;); } });`,
    ends: WALL,
  },
  {
    name: "never says what its value is in JSON",
    code: `await 0; export default { toJSON() { for (;;); } };`,
    ends: WALL,
  },
  { name: "backtracks", code: `/^(a+)+$/.test("a".repeat(40) + "b");`, ends: WALL },
  {
    name: "backtracks with references",
    code: `/^(\\w+\\s?)*\\1$/.test("word ".repeat(30) + "!");`,
    ends: [WALL, "completed"],
  },
  {
    name: "backtracks in replace",
    code: `("x".repeat(5e4) + "y").replace(/(x+x+)+z/g, "");`,
    ends: [WALL, "completed", "uncaught RangeError"],
  },
  {
    name: "backtracks through lookbehind",
    code: `"a".repeat(2e5).match(/(?<=(a*)*)b/);`,
    ends: [WALL, "completed", "uncaught RangeError"],
  },
  {
    name: "compiles giant patterns",
    code: `for (let i = 0; ; i++) new RegExp("(?:" + "a|".repeat(1e5) + i + "){1,1000}").test("b");`,
    ends: REFUSED,
    notInThread: MEMORY,
  },
  {
    name: "nests groups without end",
    code: `new RegExp("(".repeat(1e6) + ")".repeat(1e6));`,
    ends: REFUSED,
    notInThread: MEMORY,
  },
  {
    name: "counts to the utmost",
    code: `new RegExp("(?:(?:a{1,9999}){1,9999}){1,9999}").test("a".repeat(1e4));`,
    ends: REFUSED,
    notInThread: MEMORY,
  },
  { name: "loops", code: `for (;;);`, ends: WALL },
  { name: "loops in finally", code: `try { for (;;); } finally { for (;;); }`, ends: WALL },
  {
    name: "loops in a generator's return",
    code: `for (const x of (function* () { try { yield 1; } finally { for (;;); } })()) break;`,
    ends: WALL,
  },
  { name: "loops in a class's static block", code: `class A { static { for (;;); } }`, ends: WALL },
  { name: "parses dates of any size", code: `for (let i = 0; ; i++) Date.parse("1".repeat(1e5) + i);`, ends: WALL },
  {
    name: "formats dates in every calendar",
    code: `for (;;) for (const c of ["chinese", "hebrew", "islamic", "persian", "dangi"]) new Date(8.64e15).toLocaleString("en-u-ca-" + c, { timeZone: "Asia/Kathmandu", dateStyle: "full" });`,
    ends: [WALL, "ERR_LIMIT_MEMORY", CRASH],
    notInThread: MEMORY,
  },
  {
    name: "asks for names in every language",
    code: `for (;;) new Intl.DisplayNames(["zu", "ja"], { type: "region" }).of("CH");`,
    ends: [WALL, "ERR_LIMIT_MEMORY", CRASH],
    notInThread: MEMORY,
  },
  {
    name: "formats numbers of many digits",
    code: `for (;;) new Intl.NumberFormat("en", { minimumFractionDigits: 100 }).format(2n ** 20000n);`,
    ends: [WALL, "ERR_LIMIT_MEMORY", CRASH],
    notInThread: MEMORY,
  },
  {
    name: "collates long texts",
    code: `const c = new Intl.Collator("ja"); for (;;) c.compare("ア".repeat(1e6), "ァ".repeat(1e6));`,
    ends: WALL,
    notInThread: LOOP,
  },
  {
    name: "nests parentheses without end",
    code: `(0, eval)("(".repeat(1e6));`,
    ends: ["uncaught RangeError", "uncaught SyntaxError", ...BROKEN],
  },
  {
    name: "nests functions without end",
    code: `(0, eval)("()=>{".repeat(2e5));`,
    ends: ["uncaught RangeError", "uncaught SyntaxError", ...BROKEN],
  },
  {
    name: "nests arrays in JSON without end",
    code: `JSON.parse("[".repeat(1e7));`,
    ends: ["uncaught SyntaxError", "uncaught RangeError", ...BROKEN],
    notInThread: MEMORY,
  },
  {
    name: "names a million parameters",
    code: `new Function("a" + ",a".repeat(1e6), "");`,
    ends: ["uncaught SyntaxError", "uncaught RangeError", ...BROKEN],
  },
  {
    name: "evaluates megabytes",
    code: `(0, eval)("x=1;".repeat(3e6));`,
    ends: ["completed", "uncaught *", ...BROKEN],
    notInThread: MEMORY,
  },
  {
    name: "chains templates without end",
    code: `(0, eval)("\`\${".repeat(1e5));`,
    ends: ["uncaught SyntaxError", "uncaught RangeError", ...BROKEN],
  },
  { name: "recurses by getters", code: `const o = { get a() { return this.a; } }; o.a;`, ends: "uncaught RangeError" },
  {
    name: "recurses by proxies",
    code: `const p = new Proxy({}, { get: (t, k, r) => r[k] }); p.x;`,
    ends: "uncaught RangeError",
  },
  {
    name: "recurses by proxies of proxies",
    code: `let p = {}; for (let i = 0; i < 1e6; i++) p = new Proxy(p, {}); p.x;`,
    ends: ["uncaught RangeError", ...BROKEN],
    notInThread: MEMORY,
  },
  {
    name: "recurses by toString of an error",
    code: `const e = new Error("x"); Object.defineProperty(e, "message", { get() { return String(e); } }); throw e;`,
    ends: ["uncaught Error", "uncaught RangeError"],
  },
  {
    name: "binds a function a million times",
    code: `let f = () => {}; for (let i = 0; i < 1e6; i++) f = f.bind(); f();`,
    ends: ["completed", "uncaught RangeError", ...BROKEN],
    notInThread: MEMORY,
  },
  {
    name: "catches the end of its stack for ever",
    code: `const dive = () => { try { dive(); } finally { dive(); } }; dive();`,
    ends: [WALL, "uncaught RangeError"],
  },
  { name: "stops at the debugger", code: `debugger; done(1);`, ends: "done", value: 1 },
];

const LOOPS: Attack[] = NATIVE_LOOPS.map(([name, code], turn) => ({
  turn,
  name: `loops in ${name}`,
  code: `${code};`,
  ends: REFUSED,
  notInThread: LOOP,
}));
const DEATHS: Attack[] = ABORTS.map(([name, code], turn) => ({
  turn,
  name,
  code: `${code};`,
  ends: REFUSED,
  notInThread: MEMORY,
}));

describeAttacks("breakers of the engine", [...SLOW, ...LOOPS, ...DEATHS]);
describeAttacks("breakers of the engine", DEATHS, { places: ["strict process"] });
