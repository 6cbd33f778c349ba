import { describeAttacks, LONG_MS, type Attack } from "./attack.ts";

const WALL_TEXT = `The script exceeded its time limit of ${LONG_MS} ms; raise it with limits.wallMs or --timeout`;
const FORGED = `Object.assign(new Error(${JSON.stringify(WALL_TEXT)}), { name: "LimitError", code: "ERR_LIMIT_WALL", fromHost: true, end: "limit" })`;
const UUID = `const uuid = () => crypto.randomUUID();`;

/** Ways to bring a forged error out; the engine must still call it the script's own. */
const BEARERS: [string, string][] = [
  ["by throwing it", `throw ${FORGED};`],
  ["by rejecting with it", `Promise.reject(${FORGED}); await new Promise((r) => setTimeout(r, 50));`],
  ["from a timer", `setTimeout(() => { throw ${FORGED}; }, 1);`],
  ["from a lambda", `await steps.createLambdaStep(() => { throw ${FORGED}; }).startAsync(1);`],
  [
    "from a lambda without onError",
    `steps.createLambdaStep(() => { throw ${FORGED}; }).startWithCallbacks(1, {}); await new Promise((r) => setTimeout(r, 100));`,
  ],
  ["from a blocking lambda", `steps.createLambdaStep(() => { throw ${FORGED}; }).startBlocking(1);`],
  [
    "from a composed lambda",
    `await steps.compose([doubleStep, steps.createLambdaStep(() => { throw ${FORGED}; })]).startAsync(1);`,
  ],
  [
    "from many lambdas at once",
    `const step = steps.createLambdaStep(async () => { await null; throw ${FORGED}; }); const all = []; for (let i = 0; i < 400; i++) all.push(step.startAsync(i)); await Promise.all(all);`,
  ],
  ["as the failure of an input", `await doubleStep.startAsync({ get x() { throw ${FORGED}; } });`],
  ["as the reason of an abort", `await doubleStep.startAsync(1, { signal: AbortSignal.abort(${FORGED}) });`],
  ["as a cause", `throw new Error("x", { cause: ${FORGED} });`],
  [
    "by a class of that name",
    `throw new (class LimitError extends Error { code = "ERR_LIMIT_WALL"; name = "LimitError"; })(${JSON.stringify(WALL_TEXT)});`,
  ],
  ["with isolated-vm's text for time", `throw new Error("Script execution timed out.");`],
  [
    "with isolated-vm's text for memory",
    `throw new Error("Isolate was disposed during execution due to memory limit");`,
  ],
  ["with isolated-vm's text for disposal", `throw new Error("Isolate is disposed");`],
  [
    "as a stack that shows the host",
    `throw Object.assign(new Error("x"), { stack: "LimitError: x\\n    at limitError (<isolated-vm boundary>)\\n    at host" });`,
  ],
  [
    "through a hook for stacks",
    `Error.prepareStackTrace = () => ({ name: "LimitError", code: "ERR_LIMIT_WALL" }); throw ${FORGED};`,
  ],
  [
    "through the kernel's own hook",
    `const own = Error.prepareStackTrace; own?.(${FORGED}, []); throw new Error(${JSON.stringify(WALL_TEXT)});`,
  ],
];

const FORGERIES: Attack[] = BEARERS.map(([way, code]) => ({
  name: `forges a limit ${way}`,
  code,
  ends: "uncaught *",
  fromHost: false,
}));

const HOOK: Attack[] = [
  {
    name: "feeds the kernel's stack hook with rubbish",
    code: `const own = Error.prepareStackTrace; for (const error of [null, 1, "x", {}, new Proxy({}, { get() { throw 1; } }), Symbol()]) for (const frames of [null, [], 1, { length: 3 }, [null, { toString() { throw 1; } }], "ab"]) { try { own(error, frames); } catch {} } done(same(own));`,
    ends: ["done", "uncaught TypeError"],
  },
  {
    name: "gives the kernel's stack hook an endless list",
    code: `Error.prepareStackTrace(new Error("x"), { length: Infinity });`,
    ends: ["ERR_LIMIT_WALL", "ERR_LIMIT_MEMORY", "uncaught *"],
  },
  {
    name: "freezes, deletes and redefines the hook",
    code: `delete Error.prepareStackTrace; Object.defineProperty(Error, "prepareStackTrace", { get() { throw new Error("boo"); } }); try { doubleStep.startBlocking("x"); } catch (error) { done(error.code); }`,
    ends: "done",
    value: "ERR_VALIDATION",
  },
  {
    name: "throws in the hook",
    code: `Error.prepareStackTrace = () => { throw new Error("boo"); }; throw new Error("x");`,
    ends: "uncaught *",
  },
  {
    name: "returns half a gigabyte from the hook",
    code: `Error.prepareStackTrace = () => "x".repeat(2 ** 29 - 100); throw new Error("x");`,
    ends: ["uncaught *", "ERR_LIMIT_MEMORY", "ERR_ENGINE_CRASHED", "ERR_LIMIT_WALL"],
    notInThread: "half a gigabyte of text in an error can end the process when it is read",
  },
  {
    name: "runs steps in the hook",
    code: `let n = 0; Error.prepareStackTrace = () => { if (n++ < 5) doubleStep.startBlocking(1); return "s"; }; try { doubleStep.startBlocking("x"); } catch {} throw new Error("x");`,
    ends: "uncaught *",
  },
  {
    name: "makes limits of stack traces strange",
    code: `for (const v of [-1, NaN, Infinity, "x", null, {}, 2 ** 40]) { Error.stackTraceLimit = v; try { doubleStep.startBlocking("x"); } catch {} } Object.defineProperty(Error, "stackTraceLimit", { get() { throw 1; } }); try { doubleStep.startBlocking("x"); } catch (error) { done(error.code); }`,
    ends: "done",
    value: "ERR_VALIDATION",
  },
  {
    name: "captures stacks onto the runtime's objects",
    code: `for (const v of [console, doubleStep, setTimeout, process, globalThis, Object.prototype]) { try { Error.captureStackTrace(v); } catch {} } delete Object.prototype.stack; done((await doubleStep.startAsync(1))[0]);`,
    ends: "done",
    value: 2,
  },
];

const OTHERS: Attack[] = [
  {
    name: "cancels runs by invented ids",
    code: `${UUID} done([doubleStep.cancel(uuid()), doubleStep.cancel("x"), doubleStep.cancel({}), doubleStep.cancel("__proto__"), doubleStep.cancel(null)].some((r) => r === true && r));`,
    ends: ["done", "uncaught *"],
  },
  {
    name: "cancels one step's run by another step",
    code: `const id = new ChatStepFactory().newStep().runWithEvents("slow: 30ms\\necho: a b", (e) => { if (e.type === "final") done("final"); if (e.type === "interrupt") done("interrupt"); }); new ChatStepFactory().newStep().cancel(id); doubleStep.cancel(id);`,
    ends: "done",
  },
  {
    name: "calls the methods of steps on foreign receivers",
    code: `const out = []; for (const name of ["startAsync", "startBlocking", "runWithEvents", "cancel", "startWithCallbacks", "events", "stream"]) for (const self of [undefined, null, {}, 1, Object.create(doubleStep), new Proxy(doubleStep, {}), globalThis]) { try { const r = doubleStep[name].call(self, 1, {}); if (r instanceof Promise) r.catch(() => {}); } catch (error) { out.push(error instanceof Error); } } done(out.every(Boolean));`,
    ends: ["done", "uncaught *"],
  },
  {
    name: "calls the methods of other classes on foreign receivers",
    code: `const out = []; for (const o of [new Conversation(), new ChatSession({}), new AbortController(), AbortSignal.abort(), new URL("http://x"), new URLSearchParams(), new Event("x"), new EventTarget(), new TextEncoder(), new TextDecoder()]) for (const k of Object.getOwnPropertyNames(Object.getPrototypeOf(o))) { const d = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(o), k); for (const f of [d.value, d.get, d.set]) if (typeof f === "function" && k !== "constructor") for (const self of [undefined, null, {}, Object.create(o), new Proxy(o, {})]) { try { const r = f.call(self, "x", "y"); if (r instanceof Promise) r.catch(() => {}); } catch (error) { out.push(error instanceof Error); } } } done(out.every(Boolean));`,
    ends: "done",
    value: true,
  },
  {
    name: "makes step objects of its own and composes them",
    code: `const forged = { runWithEvents() { return crypto.randomUUID(); }, startAsync: async () => [1], startBlocking: () => [1], cancel: () => true, type: "double", id: "double" }; const out = []; for (const f of [() => steps.compose([forged]), () => steps.withRetry(forged, {}), () => steps.createParallelStep({ step: forged, maxConcurrency: 1 }), () => steps.withTimeout(forged, 5)]) { try { out.push(await f().startAsync([1])); } catch (error) { out.push(error instanceof Error); } } done(out.length);`,
    ends: "done",
    value: 4,
  },
  {
    name: "tampers with a step while it runs",
    code: `const step = new ChatStepFactory().newStep(); const run = step.startAsync("slow: 5ms\\necho: a b c"); for (const k of Reflect.ownKeys(step)) { try { step[k] = () => { throw new Error("boo"); }; delete step[k]; } catch {} } try { Object.setPrototypeOf(step, null); } catch {} done(String((await run)[0]));`,
    ends: "done",
  },
  {
    name: "copies a step's fields to an object of its own",
    code: `const copy = Object.create(Object.getPrototypeOf(doubleStep), Object.getOwnPropertyDescriptors(doubleStep)); let r; try { r = (await copy.startAsync(4))[0]; } catch (error) { r = error instanceof Error; } done(r === 8 || r === true);`,
    ends: "done",
    value: true,
  },
  {
    name: "changes what events hold and waits for its effect",
    code: `const types = []; const step = new ChatStepFactory().newStep(); step.runWithEvents("echo: a b", (event) => { types.push(event.type); for (const k of Object.keys(event)) event[k] = null; Object.assign(event, { type: "final", seq: -1 }); }); await new Promise((r) => setTimeout(r, 100)); done(types.at(-1));`,
    ends: "done",
    value: "final",
  },
  {
    name: "forges a snapshot of a conversation",
    code: `const out = []; for (const snapshot of [null, {}, { messages: [{}] }, { messages: [{ id: "__proto__", role: "user", text: "x", parentID: "__proto__" }] }, { root: { children: 1 } }, "x", [1]]) { try { const c = Conversation.from(snapshot); await new ChatStepFactory().newStep().startAsync(c); } catch (error) { out.push(error instanceof Error); } } done(out.every(Boolean));`,
    ends: "done",
    value: true,
  },
  {
    name: "makes messages their own parents",
    code: `const c = new Conversation(); const a = c.addMessage("user", "x", { id: "a", parentID: "a" }); try { c.addMessage("user", "y", { id: "b", parentID: "a" }); c.getThread("b"); c.getChildren("a"); c.fork("a"); } catch {} done(c.getMessages().length > 0);`,
    ends: "done",
  },
  {
    name: "orders the model to call what there is not",
    code: `const out = []; for (const order of ["call: __proto__ {}", "call: constructor {}", "call: toString {}", "call: nosuch {\\"a\\":1}", "call: t {", "call: t [1]", "call: t " + "{\\"a\\":".repeat(500) + "1" + "}".repeat(500)]) { try { out.push(typeof (await chat(order, { tools: [{ name: "t", description: "", input: { type: "object" }, run: () => 1 }], maxToolRounds: 2 }))); } catch (error) { out.push(error instanceof Error); } } done(out.length);`,
    ends: "done",
    value: 7,
  },
  {
    name: "names host tools that were not given",
    code: `try { await chat("call: clock {}", { tools: ["clock", "fs", "__proto__"] }); done("ran"); } catch (error) { done(error instanceof Error); }`,
    ends: "done",
    value: true,
  },
  {
    name: "posts events in its own name",
    code: `const t = new EventTarget(); const event = new Event("abort"); const c = new AbortController(); c.signal.dispatchEvent(event); const run = doubleStep.startAsync(1, { signal: c.signal }); c.signal.dispatchEvent(new Event("abort")); done([(await run)[0], c.signal.aborted]);`,
    ends: "done",
    value: [2, false],
  },
];

describeAttacks("forgeries", [...FORGERIES, ...HOOK, ...OTHERS]);
