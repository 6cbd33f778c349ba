import { describeAttacks, type Attack } from "./attack.ts";

const WALL = "ERR_LIMIT_WALL";
const PAUSE = "await new Promise((r) => setTimeout(r, 5));";
const HEAVY = "half a gigabyte of text in an error can end the process when it is read";

/** What is thrown; the host must name it and go on. */
const THROWN: [string, string][] = [
  ["null", "null"],
  ["undefined", "undefined"],
  ["a symbol", "Symbol('s')"],
  ["a bigint of many digits", "2n ** 100000n"],
  ["a function", "() => {}"],
  ["a revoked proxy", "(() => { const p = Proxy.revocable({}, {}); p.revoke(); return p.proxy; })()"],
  [
    "a proxy of an error with throwing traps",
    "new Proxy(new Error('x'), new Proxy({}, { get() { throw new Error('trap'); } }))",
  ],
  ["a thenable", "{ then(r) { r(1); } }"],
  [
    "an error with throwing getters",
    "Object.defineProperties(new Error(), { message: { get() { throw 1; } }, name: { get() { throw 2; } }, stack: { get() { throw 3; } }, code: { get() { throw 4; } } })",
  ],
  [
    "an error whose texts are no texts",
    "Object.assign(new Error(), { message: { a: 1 }, name: Symbol(), stack: [1], code: {}, status: 'x', cause: 5 })",
  ],
  ["an error of a megabyte", "new Error('m'.repeat(1e6))"],
  [
    "an error of a hundred causes",
    "(() => { let e; for (let i = 0; i < 100; i++) e = new Error('c' + i, { cause: e }); return e; })()",
  ],
  ["an error that causes itself", "(() => { const e = new Error('x'); e.cause = e; return e; })()"],
  ["an object of isolated-vm's texts", "'illegal access'"],
  ["a class of its own", "new (class E extends Error { get name() { return 'E'.repeat(1e5); } })()"],
  ["an object without a prototype", "Object.create(null)"],
  ["a frozen error", "Object.freeze(new Error('cold'))"],
  ["an error of another's name", "Object.assign(new Error('x'), { name: 'geppetto:runtime (<boundary>)' })"],
];

const PLACES: [string, string][] = [
  ["in its body", "throw THROWN;"],
  ["after a wait", `${PAUSE} throw THROWN;`],
  ["in a timer", "setTimeout(() => { throw THROWN; }, 1);"],
  ["in a microtask", "queueMicrotask(() => { throw THROWN; }); await new Promise((r) => setTimeout(r, 50));"],
  ["as a rejection", "Promise.reject(THROWN); await new Promise((r) => setTimeout(r, 50));"],
  ["in an event callback", "doubleStep.runWithEvents(1, () => { throw THROWN; });"],
  ["in a lambda", "await steps.createLambdaStep(() => { throw THROWN; }).startAsync(1);"],
];

const GRID: Attack[] = THROWN.flatMap(([what, thrown], i) =>
  PLACES.map(([where, code], j) => ({
    turn: i + j,
    name: `throws ${what} ${where}`,
    code: code.replace("THROWN", () => `(${thrown})`),
    ends: "uncaught *",
  })),
);

const PENDING = `for (let i = 0; i < 12; i++) { setTimeout(() => { throw new Error("late"); }, 1 + i); doubleStep.startAsync(i).catch(() => {}); embeddings.generateEmbeddingAsync("p" + i).catch(() => {}); new ChatStepFactory().newStep().runWithEvents("slow: 50ms\\necho: a b c", () => {}); }`;

const OTHERS: Attack[] = [
  { name: "is done while work is pending", code: `${PENDING} done(1);`, ends: "done", value: 1 },
  { name: "exits while work is pending", code: `${PENDING} process.exit(3);`, ends: "exit 3" },
  { name: "throws while work is pending", code: `${PENDING} throw new Error("now");`, ends: "uncaught Error" },
  { name: "loops while work is pending", code: `${PENDING} for (;;);`, ends: WALL },
  { name: "is done twice", code: `done(1); done(2);`, ends: "done", value: 1 },
  { name: "exits after it was done", code: `done(1); process.exit(3);`, ends: "done", value: 1 },
  { name: "throws after it was done", code: `done(1); throw new Error("late");`, ends: "done", value: 1 },
  { name: "loops after it was done", code: `done(1); for (;;);`, ends: "done", value: 1 },
  {
    name: "goes on in microtasks after it was done",
    code: `done(1); (async () => { for (;;) await null; })();`,
    ends: "done",
    value: 1,
  },
  {
    name: "acts on after it was done",
    code: `done(1); console.log("unheard"); for (let i = 0; i < 100; i++) { try { setTimeout(() => {}, 1); doubleStep.runWithEvents(1, () => {}); } catch {} }`,
    ends: "done",
    value: 1,
  },
  {
    name: "is done in a microtask of a rejection",
    code: `Promise.reject(new Error("first")); await null; done(1);`,
    ends: ["done", "uncaught Error"],
  },
  {
    name: "is done in a finally of a throw",
    code: `try { throw new Error("x"); } finally { done(1); }`,
    ends: ["done"],
    value: 1,
  },
  {
    name: "is done in a timer and throws there",
    code: `setTimeout(() => { done(1); throw new Error("late"); }, 1);`,
    ends: "done",
    value: 1,
  },
  {
    name: "is done in an event callback of many",
    code: `for (let i = 0; i < 50; i++) doubleStep.runWithEvents(i, () => done(1));`,
    ends: "done",
    value: 1,
  },
  {
    name: "is done in a lambda",
    code: `await steps.createLambdaStep(() => { done(1); throw new Error("late"); }).startAsync(1);`,
    ends: "done",
    value: 1,
  },
  {
    name: "is done in a tool",
    code: `await chat("call: t {}", { tools: [{ name: "t", description: "", input: { type: "object" }, run() { done(1); } }] }); done(2);`,
    ends: "done",
  },
  {
    name: "exits in a lambda that blocks",
    code: `steps.createLambdaStep(() => process.exit(5)).startBlocking(1);`,
    ends: "exit 5",
  },
  {
    name: "exits in a toString for the console",
    code: `console.log("%s", { toString() { process.exit(4); } }); process.exit(5);`,
    ends: ["exit 4", "exit 5"],
  },
  {
    name: "exits in prepareStackTrace",
    code: `Error.prepareStackTrace = () => { process.exit(6); }; throw new Error("x");`,
    ends: ["exit 6", "uncaught *"],
  },
  {
    name: "exits in the getter of an uncaught error",
    code: `throw Object.defineProperty(new Error(), "message", { get() { process.exit(6); } });`,
    ends: ["exit 6", "uncaught *"],
  },
  {
    name: "loops in the getter of an uncaught error",
    code: `throw Object.defineProperty(new Error(), "message", { get() { for (;;); } });`,
    ends: [WALL, "uncaught *"],
    notInThread: "isolated-vm reads the error outside of the time limit",
  },
  {
    name: "loops in the getters of a rejected error",
    code: `Promise.reject(Object.defineProperties(new Error(), { message: { get() { for (;;); } }, stack: { get() { for (;;); } } })); await new Promise((r) => setTimeout(r, 100));`,
    ends: [WALL, "uncaught *"],
    notInThread: "isolated-vm reads the error outside of the time limit",
  },
  {
    name: "loops in the getter of an error that a callback throws",
    code: `setTimeout(() => { throw Object.defineProperty(new Error(), "name", { get() { for (;;); } }); }, 1);`,
    ends: WALL,
  },
  {
    name: "loops in prepareStackTrace",
    code: `Error.prepareStackTrace = () => { for (;;); }; throw new Error("x");`,
    ends: [WALL, "uncaught *"],
    notInThread: "isolated-vm reads the error outside of the time limit",
  },
  {
    name: "throws a text of half a gigabyte",
    code: `throw "x".repeat(2 ** 29 - 24);`,
    ends: ["uncaught *", WALL, "ERR_LIMIT_MEMORY", "ERR_ENGINE_CRASHED"],
    notInThread: HEAVY,
  },
  {
    name: "throws an error of a hundred megabytes",
    code: `throw new Error("x".repeat(1e8));`,
    ends: ["uncaught *", WALL, "ERR_LIMIT_MEMORY", "ERR_ENGINE_CRASHED"],
    notInThread: HEAVY,
  },
  {
    name: "throws an error of half a gigabyte from a timer",
    code: `setTimeout(() => { throw new Error("x".repeat(2 ** 29 - 100)); }, 1);`,
    ends: ["uncaught *", WALL, "ERR_LIMIT_MEMORY", "ERR_ENGINE_CRASHED"],
    notInThread: HEAVY,
  },
  {
    name: "throws an error with a stack of half a gigabyte",
    code: `const e = new Error("x"); e.stack = "s".repeat(2 ** 29 - 100); throw e;`,
    ends: ["uncaught *", WALL, "ERR_LIMIT_MEMORY", "ERR_ENGINE_CRASHED"],
    notInThread: HEAVY,
  },
  {
    name: "rejects with half a gigabyte",
    code: `Promise.reject(new Error("x".repeat(2 ** 29 - 100))); await new Promise((r) => setTimeout(r, 100));`,
    ends: ["uncaught *", WALL, "ERR_LIMIT_MEMORY", "ERR_ENGINE_CRASHED"],
    notInThread: HEAVY,
  },
  {
    name: "clears the timer that it waits for, by a number that it has guessed",
    code: `const id = setTimeout(() => done(1), 20); for (let i = 0; i <= id; i++) clearTimeout(i); await new Promise(() => {});`,
    ends: "stalled",
  },
  { name: "does not parse", code: `for (`, ends: "load" },
  { name: "does not parse, at length", code: `"${"x".repeat(1e6)}" (`, ends: "load" },
  {
    name: "is eight megabytes of comments",
    code: `/*${"*".repeat(8e6)}*/ done(1);`,
    ends: ["done", "load", WALL, "ERR_LIMIT_MEMORY", "ERR_ENGINE_CRASHED"],
  },
  {
    name: "is full of line separators",
    code: `const a = "\u2028\u2029"; /* \u2028 */ done(a.length);`,
    ends: "done",
    value: 2,
  },
  { name: "says that it is empty", code: ``, ends: "completed" },
];

describeAttacks("odd endings", [...GRID, ...OTHERS]);
