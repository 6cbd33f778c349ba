import { describeAttacks, type Attack } from "./attack.ts";

const WALL = "ERR_LIMIT_WALL";
const MEMORY = "ERR_LIMIT_MEMORY";
/** A flood that time, memory or the engine's own bound ends, whichever comes first. */
const ANY: readonly string[] = [WALL, MEMORY, "ERR_ENGINE_CRASHED"];
const V8 = "V8 may abort when memory runs out, and takes its process with it";

const FLOODS: Attack[] = [
  {
    name: "starts timers without end and catches the refusal",
    code: `let n = 0; try { for (;;) { setTimeout(() => {}, 1e6); n++; } } catch (error) { done([n, error.code]); }`,
    ends: "done",
    value: [10_000, "ERR_LIMIT_TIMERS"],
  },
  {
    name: "starts immediates without end in one turn",
    code: `let n = 0; try { for (;;) { setImmediate(() => {}); n++; } } catch (error) { done([n, error.code]); }`,
    ends: "done",
    value: [10_000, "ERR_LIMIT_TIMERS"],
  },
  {
    name: "starts timers without end and does not",
    code: `for (;;) setTimeout(() => {}, 1e6);`,
    ends: "uncaught LimitError",
  },
  {
    name: "lets timers start timers",
    code: `const more = () => { setTimeout(more, 0); setTimeout(more, 0); }; more();`,
    ends: ["uncaught LimitError", WALL],
  },
  { name: "starts and clears timers", code: `for (;;) clearTimeout(setTimeout(() => {}, 1));`, ends: WALL },
  { name: "runs intervals of no length", code: `for (let i = 0; i < 1000; i++) setInterval(() => {}, 0);`, ends: WALL },
  { name: "runs immediates that start immediates", code: `const next = () => setImmediate(next); next();`, ends: WALL },
  {
    name: "queues microtasks that queue microtasks",
    code: `const next = () => queueMicrotask(next); next();`,
    ends: WALL,
  },
  {
    name: "doubles its microtasks",
    code: `const next = () => { queueMicrotask(next); queueMicrotask(next); }; next();`,
    ends: ANY,
    notInThread: V8,
  },
  { name: "resolves promises for ever", code: `for (;;) await null;`, ends: WALL },
  {
    name: "keeps promises without end",
    code: `const all = []; for (;;) all.push(new Promise(() => {}));`,
    ends: ANY,
    notInThread: V8,
  },
  { name: "awaits an endless thenable", code: `const t = { then(resolve) { resolve(t); } }; await t;`, ends: WALL },
  {
    name: "chains thenables from getters",
    code: `const t = () => ({ get then() { return (r) => r(t()); } }); await t();`,
    ends: WALL,
  },
  {
    name: "awaits all of an endless list",
    code: `await Promise.all((function* () { for (;;) yield null; })());`,
    ends: ANY,
    notInThread: V8,
  },
  {
    name: "rejects promises without end",
    code: `for (;;) { Promise.reject(1); await null; }`,
    ends: ["uncaught Error", WALL, MEMORY],
  },
  {
    name: "rejects many promises in a turn",
    code: `for (let i = 0; i < 1e5; i++) Promise.reject(new Error("x" + i)); await new Promise((r) => setTimeout(r, 5));`,
    ends: ["uncaught Error", ...ANY],
  },
  { name: "prints without end", code: `for (;;) console.log("x".repeat(1000));`, ends: "ERR_LIMIT_OUTPUT" },
  { name: "prints empty lines without end", code: `for (;;) console.log();`, ends: ["ERR_LIMIT_OUTPUT", WALL] },
  {
    name: "writes errors without end",
    code: `for (;;) process.stderr.write("y".repeat(999));`,
    ends: "ERR_LIMIT_OUTPUT",
  },
  { name: "prints one text of megabytes", code: `console.log("z".repeat(9e6));`, ends: "ERR_LIMIT_OUTPUT" },
  {
    name: "prints a text that is too long to cross",
    code: `process.stdout.write("z".repeat(17e6));`,
    ends: ["uncaught LimitError", ...ANY],
  },
  { name: "prints empty texts without end", code: `for (;;) process.stdout.write("");`, ends: WALL },
  {
    name: "catches the end of its output",
    code: `for (;;) try { for (;;) console.log("x".repeat(999)); } catch {}`,
    ends: "ERR_LIMIT_OUTPUT",
  },
  {
    name: "indents its console without end",
    code: `for (let i = 0; i < 1e5; i++) console.group(); console.log("x\\n".repeat(1000));`,
    ends: ["completed", "ERR_LIMIT_OUTPUT", ...ANY],
  },
  {
    name: "counts and times labels without end",
    code: `for (let i = 0; ; i++) { console.count("label" + i); console.time("label" + i); }`,
    ends: ["ERR_LIMIT_OUTPUT", ...ANY],
  },
  {
    name: "prints a table of a hundred thousand rows",
    code: `console.table(Array.from({ length: 1e5 }, (_, i) => ({ ["c" + (i % 50)]: i })));`,
    ends: ["ERR_LIMIT_OUTPUT", ...ANY],
  },
  {
    name: "prints proxies that hold proxies",
    code: `const p = () => new Proxy({}, { get: p, ownKeys: () => ["a", "b"], getOwnPropertyDescriptor: () => ({ value: p(), configurable: true, enumerable: true }) }); for (let i = 0; i < 50; i++) console.dir(p(), { depth: Infinity, showProxy: true });`,
    ends: ["completed", "ERR_LIMIT_OUTPUT", "uncaught RangeError", ...ANY],
  },
  {
    name: "starts runs without end and catches the refusal",
    code: `const tries = []; try { for (;;) tries.push(doubleStep.startAsync(1)); } catch (error) { done(error.code); } const codes = await Promise.allSettled(tries.slice(990)); done(codes.map((c) => c.reason?.code).find(Boolean));`,
    ends: ["done", ...ANY],
  },
  {
    name: "starts runs from the events of runs",
    code: `const next = () => { doubleStep.runWithEvents(1, next); }; next();`,
    ends: ["uncaught LimitError", "uncaught Error", ...ANY],
  },
  {
    name: "starts and cancels runs in a loop",
    code: `for (;;) doubleStep.cancel(doubleStep.runWithEvents(1, () => {}));`,
    ends: ["uncaught LimitError", ...ANY],
  },
  {
    name: "cancels in the callback of what it cancels",
    code: `const step = new ChatStepFactory().newStep(); for (let i = 0; i < 200; i++) { const id = step.runWithEvents("echo: a b c d e f", () => { step.cancel(id); step.cancel(); step.cancel("nonsense"); }); }`,
    ends: ["completed", WALL],
  },
  {
    name: "starts chats without end and cancels them all",
    code: `const step = new ChatStepFactory().newStep(); for (;;) { for (let i = 0; i < 50; i++) step.runWithEvents("slow: 1ms\\necho: a b c", () => {}); step.cancel(); await null; }`,
    ends: ["uncaught LimitError", ...ANY],
  },
  {
    name: "opens streams and leaves them",
    code: `const step = new ChatStepFactory().newStep(); for (let i = 0; i < 300; i++) { for await (const event of step.events("echo: a b")) break; }`,
    ends: ["completed", WALL],
  },
  {
    name: "opens streams and never reads them",
    code: `const step = new ChatStepFactory().newStep(); const all = []; for (let i = 0; i < 300; i++) { const it = step.stream("echo: a b c"); it.next(); all.push(it); } await new Promise((r) => setTimeout(r, 50)); done(1);`,
    ends: ["done", WALL],
  },
  {
    name: "starts ops without end",
    code: `const all = []; try { for (;;) all.push(embeddings.generateEmbeddingAsync("x" + all.length)); } catch (error) { done(error.code); }`,
    ends: "done",
    value: "ERR_LIMIT_OPS",
  },
  {
    name: "has large arguments pending without end",
    code: `const text = "x".repeat(4e6); const all = []; try { for (;;) all.push(embeddings.generateEmbeddingAsync(text + all.length).catch(() => {})); } catch (error) { done(error.code); }`,
    ends: ["done", ...ANY],
  },
  {
    name: "starts runs with large inputs without end",
    code: `const text = "x".repeat(4e6); const step = new ChatStepFactory().newStep(); try { for (;;) step.runWithEvents("slow: 10s\\necho: " + text, () => {}); } catch (error) { done(error.code); }`,
    ends: ["done", ...ANY],
  },
  {
    name: "has events without end",
    code: `for (;;) await doubleStep.startAsync(1);`,
    ends: ["ERR_LIMIT_EVENTS", ...ANY],
  },
  {
    name: "starts and aborts ops without end",
    code: `for (;;) { const c = new AbortController(); embeddings.generateEmbeddingAsync("x", { signal: c.signal }).catch(() => {}); c.abort(); }`,
    ends: ["uncaught LimitError", ...ANY],
  },
  {
    name: "makes abort listeners without end",
    code: `const c = new AbortController(); for (;;) c.signal.addEventListener("abort", () => {});`,
    ends: ANY,
    notInThread: V8,
  },
  {
    name: "chains signals without end",
    code: `let s = new AbortController().signal; for (let i = 0; i < 1e5; i++) s = AbortSignal.any([s]); done(s.aborted);`,
    ends: ["done", ...ANY],
  },
  {
    name: "dispatches events from listeners",
    code: `const t = new EventTarget(); t.addEventListener("x", () => t.dispatchEvent(new Event("x"))); t.dispatchEvent(new Event("x"));`,
    ends: ["completed", "uncaught *", WALL],
  },
  {
    name: "asks for random bytes without end",
    code: `for (;;) crypto.getRandomValues(new Uint8Array(65536));`,
    ends: WALL,
  },
  { name: "asks for ids without end", code: `for (;;) crypto.randomUUID();`, ends: WALL },
  { name: "parses URLs without end", code: `for (;;) new URL("https://example.org/" + "ä".repeat(1000));`, ends: WALL },
  {
    name: "parses a host name of a megabyte",
    code: `for (;;) { try { new URL("https://" + "ü".repeat(1e6) + ".example"); } catch {} }`,
    ends: [WALL, MEMORY],
  },
  {
    name: "changes a long URL without end",
    code: `const u = new URL("https://x/" + "a".repeat(1e5)); for (;;) u.hash += "ä".repeat(50);`,
    ends: [WALL, MEMORY, "uncaught LimitError"],
  },
  { name: "asks the time without end", code: `for (;;) performance.now();`, ends: WALL },
  {
    name: "makes messages without end",
    code: `const c = new Conversation(); for (let i = 0; ; i++) c.addMessage("user", "x".repeat(100) + i);`,
    ends: ANY,
    notInThread: V8,
  },
  {
    name: "makes a thread of many messages and walks it",
    code: `const c = new Conversation(); for (let i = 0; i < 3e4; i++) c.addMessage("user", "x"); for (;;) c.getMessages();`,
    ends: ANY,
    notInThread: V8,
  },
  { name: "blocks without end", code: `for (;;) doubleStep.startBlocking(1);`, ends: WALL },
  {
    name: "blocks for longer than it has",
    code: `new ChatStepFactory().newStep().startBlocking("slow: 60s\\necho: x");`,
    ends: WALL,
  },
  {
    name: "retries without end",
    code: `await steps.withRetry(steps.createLambdaStep(() => { throw new Error("no"); }), { maxAttempts: Infinity, backoff: () => 0, shouldRetry: () => true }).startAsync(1);`,
    ends: [WALL, MEMORY, "uncaught ValidationError", "uncaught TypeError", "uncaught Error", "uncaught RangeError"],
  },
  {
    name: "runs a step from within itself",
    code: `const self = steps.createLambdaStep(async () => (await self.startAsync(1))[0]); await self.startAsync(1);`,
    ends: ["uncaught LimitError", "uncaught Error", "uncaught StepError", ...ANY],
  },
  {
    name: "blocks on a step from within itself",
    code: `const self = steps.createLambdaStep(() => self.startBlocking(1)); self.startBlocking(1);`,
    ends: ["uncaught LimitError", "uncaught RangeError", "uncaught Error", "uncaught StepError", ...ANY],
  },
  {
    name: "maps over a million elements in parallel",
    code: `await steps.createParallelStep({ maxConcurrency: 1e6, step: doubleStep }).startAsync(Array.from({ length: 1e6 }, (_, i) => i));`,
    ends: ["uncaught LimitError", "uncaught ValidationError", "uncaught Error", ...ANY],
  },
  {
    name: "lets a lambda return more than can cross",
    code: `await steps.createLambdaStep(() => "x".repeat(17e6)).startAsync(1);`,
    ends: ["completed", "uncaught LimitError", ...ANY],
  },
  {
    name: "waits for a timer that is very far away",
    code: `await new Promise((r) => setTimeout(r, 2 ** 31 - 1));`,
    ends: WALL,
  },
  { name: "waits for nothing", code: `await new Promise(() => {});`, ends: "stalled" },
  { name: "waits on a signal that is no strong hold", code: `AbortSignal.timeout(1e6);`, ends: "completed" },
];

describeAttacks("floods", FLOODS);
