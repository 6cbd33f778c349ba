import { describeAttacks, type Attack } from "./attack.ts";

/** Arguments that run the script's code, or none that anybody expects, where they are read. `hit` counts. */
const ARGUMENTS: [string, string][] = [
  ["getters that throw", "{ get a() { hit(); throw new Error('boo'); }, get then() { hit(); throw 1; } }"],
  [
    "proxies whose traps throw",
    "new Proxy({}, new Proxy({}, { get() { hit(); return () => { throw new Error('boo'); }; } }))",
  ],
  [
    "functions behind proxies",
    "new Proxy(function () {}, { get(t, k) { hit(); return k === 'prototype' ? t.prototype : undefined; } })",
  ],
  [
    "arrays whose length lies",
    "new Proxy([], { get(t, k) { hit(); return k === 'length' ? 'NaN' : k === Symbol.toPrimitive ? undefined : t[k]; } })",
  ],
  ["arrays without end", "new Proxy([], { get(t, k) { hit(); return k === 'length' ? 2 ** 53 - 1 : undefined; } })"],
  ["a toJSON that throws", "{ toJSON() { hit(); throw null; } }"],
  ["a toJSON that returns itself anew", "{ toJSON() { hit(); return { toJSON: this.toJSON }; } }"],
  ["a toPrimitive that throws", "{ [Symbol.toPrimitive]() { hit(); throw Symbol('boo'); } }"],
  [
    "a toString that calls back",
    "{ toString() { hit(); setTimeout(() => {}, 1); return 'x'; }, valueOf() { hit(); return {}; } }",
  ],
  [
    "classes with a species",
    "new (class extends Array { static get [Symbol.species]() { hit(); throw new Error('boo'); } })(3)",
  ],
  ["a revoked proxy", "(() => { const p = Proxy.revocable([], {}); p.revoke(); return p.proxy; })()"],
  [
    "dates, maps and errors of odd kinds",
    "[new Date(NaN), new Map([[{}, new Set([Symbol.iterator.description])]]), Object.assign(new Error(), { get cause() { hit(); throw 1; } })]",
  ],
];

/** What the argument is given to; every error is caught, none may be anybody else's. */
const TAKERS: [string, string][] = [
  [
    "timers",
    "v => { clearTimeout(setTimeout(v, v)); clearTimeout(setTimeout(() => {}, v)); clearInterval(v); setImmediate(v); queueMicrotask(v); }",
  ],
  [
    "steps",
    "v => { doubleStep.runWithEvents(v, v); }, v => { doubleStep.startBlocking(v); }, v => doubleStep.startAsync(v, v), v => doubleStep.startWithCallbacks(v, v), v => doubleStep.cancel(v), v => doubleStep.events(v, v).next()",
  ],
  [
    "combinators",
    "v => steps.createLambdaStep(v), v => steps.createLambdaStep(() => v).startAsync(1), v => steps.createMapStep(x => x).startAsync(v), v => steps.compose(v), v => steps.compose([v]), v => steps.withRetry(doubleStep, v), v => steps.withTimeout(doubleStep, v), v => steps.createParallelStep(v), v => steps.withState(v)",
  ],
  [
    "chat",
    "v => chat(v), v => chat('echo: x', v), v => new ChatStepFactory().newStep(v), v => new ChatStepFactory().newStep({ tools: v, model: v, temperature: v }), v => new ChatStepFactory().newStep().startAsync({ messages: v }), v => ChatSession.from(v), v => new ChatSession(v).next(v), v => countTokens(v), v => countTokens({ messages: v, tools: v }, { model: v }), v => chat('echo: x', { hooks: v, context: v }), v => chat('call: t {}', { tools: [{ name: 't', run: () => v }], hooks: { beforeTool: () => v, afterTool: () => v }, context: { maxTokens: 5, compact: () => v } })",
  ],
  [
    "conversations",
    "v => new Conversation().addMessage(v, v, v), v => new Conversation().addMessage('user', 'x', { metadata: v, time: v, id: v, parentID: v }), v => new Conversation().addToolUse(v, v, v), v => new Conversation().addToolResult(v, v), v => Conversation.from(v), v => new Conversation().updateMetadata(v, v), v => new Conversation().append(v), v => new Conversation().addMessageWithImage('user', v, v)",
  ],
  [
    "embeddings",
    "v => embeddings.generateEmbedding(v), v => embeddings.generateEmbeddingAsync(v, v), v => embeddings.generateEmbeddings(v, v), v => embeddings.cosineSimilarity(v, v), v => embeddings.createStep(v), v => embeddings.generateEmbeddingWithCallbacks(v, v)",
  ],
  [
    "the console",
    "v => console.log(v, v), v => console.table(v), v => console.dir(v, v), v => console.error('%s %d %o %j', v, v, v, v), v => console.group(v), v => console.assert(false, v), v => console.time(v), v => console.count(v), v => process.stdout.write(v)",
  ],
  [
    "the web's classes",
    "v => new URL(v, v), v => new URLSearchParams(v), v => structuredClone(v, v), v => new Event(v, v), v => new EventTarget().addEventListener(v, v), v => new EventTarget().dispatchEvent(v), v => new DOMException(v, v), v => new TextEncoder().encode(v), v => new TextDecoder(v).decode(v), v => atob(v), v => btoa(v), v => crypto.getRandomValues(v), v => AbortSignal.any(v), v => AbortSignal.timeout(v), v => AbortSignal.abort(v)",
  ],
];

const GRID: Attack[] = TAKERS.flatMap(([taker, code], i) =>
  ARGUMENTS.map(([argument, value], j) => ({
    turn: i + j,
    name: `gives ${taker} ${argument}`,
    code: `let hits = 0; const hit = () => { if (++hits > 100000) throw new Error("enough"); };
      const takers = [${code}]; const pending = [];
      for (const take of takers) { try { const r = take(${value}); if (r instanceof Promise) pending.push(r); } catch {} }
      setTimeout(() => done("survived"), 60);
      await Promise.allSettled(pending);
      await new Promise(() => {});`,
    // Steps that were started without onError may fail uncaught; timers may throw what the argument throws.
    ends: ["done", "uncaught *", ...(argument === "arrays without end" ? ["ERR_LIMIT_WALL"] : [])],
  })),
);

const OTHERS: Attack[] = [
  {
    name: "passes done() a getter that calls done()",
    code: `done({ get a() { done(2); return 1; } });`,
    ends: "done",
    value: 2,
  },
  { name: "passes done() a getter that loops", code: `done({ get a() { for (;;); } });`, ends: "ERR_LIMIT_WALL" },
  {
    name: "passes done() a function, a symbol and a cycle",
    code: `const o = { f() {}, s: Symbol() }; o.o = o; done(o);`,
    ends: "done",
  },
  { name: "exits from a getter of done()", code: `done({ get a() { process.exit(7); } });`, ends: "exit 7" },
  {
    name: "throws from a getter of its default export",
    code: `export default { get a() { throw new Error("boo"); } };`,
    ends: "completed",
  },
  {
    name: "exports a then that settles twice",
    code: `export const then = (resolve) => { resolve(5); resolve(6); throw 1; }; export default 7;`,
    ends: "completed",
    value: 7,
  },
  { name: "exports a thenable that never settles", code: `export default { then() {} };`, ends: "completed" },
  {
    name: "exports a promise whose then is its own",
    code: `const p = Promise.resolve(1); p.then = () => { throw new Error("boo"); }; export default p;`,
    ends: "completed",
    value: 1,
  },
  { name: "exits with odd codes", code: `process.exit({ valueOf() { return 2 ** 31; } });`, ends: "exit 1" },
  {
    name: "exits with a code that throws",
    code: `process.exit({ valueOf() { throw new Error("boo"); } });`,
    ends: "uncaught Error",
  },
  { name: "exits with a symbol", code: `process.exit(Symbol());`, ends: "uncaught TypeError" },
  { name: "exits with a giant bigint", code: `process.exit(2n ** 1000000n);`, ends: "exit 1" },
  {
    name: "clears timers by strange ids",
    code: `for (const id of [NaN, Infinity, -1, 2 ** 60, "1", null, undefined, {}, [], new Date()]) { clearTimeout(id); clearInterval(id); }`,
    ends: "completed",
  },
  {
    name: "clears timers by ids that throw",
    code: `clearTimeout(Symbol());`,
    ends: ["completed", "uncaught TypeError"],
  },
  {
    name: "freezes the global object",
    code: `Object.freeze(globalThis); await doubleStep.startAsync(1); done(1);`,
    ends: "done",
    value: 1,
  },
  {
    name: "puts a proxy behind the global object",
    code: `try { Object.setPrototypeOf(globalThis, new Proxy({}, { get() { throw new Error("boo"); }, has() { return true; } })); } catch {} done(1);`,
    ends: ["done", "uncaught Error"],
  },
  {
    name: "deletes all its globals",
    code: `const { done: end } = globalThis; for (const k of Object.getOwnPropertyNames(globalThis)) { try { delete globalThis[k]; } catch {} } end(1);`,
    ends: "done",
    value: 1,
  },
];

describeAttacks("coercions", [...GRID, ...OTHERS]);
