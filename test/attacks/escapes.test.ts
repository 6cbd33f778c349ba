import { describeAttacks, SECRET, type Attack } from "./attack.ts";

/** Each of these is a value of the runtime's; none of them may lead out of the script's realm. */
const VALUES: [string, string][] = [
  ["a console method", "console.log"],
  ["the console", "console"],
  ["process.exit", "process.exit"],
  ["process.stdout", "process.stdout.write"],
  ["argv", "process.argv"],
  ["a timer function", "setTimeout"],
  ["a timer's id", "setTimeout(() => {}, 1)"],
  ["a step's method", "doubleStep.startAsync"],
  ["a run id", "doubleStep.runWithEvents(1, () => {})"],
  ["a promise of a run", "doubleStep.startAsync(1)"],
  ["a blocking result", "doubleStep.startBlocking(1)"],
  ["a result's metadata", "doubleStep.startBlocking(1).metadata"],
  ["a chat step", "new ChatStepFactory().newStep()"],
  ["a session", "new ChatSession({})"],
  ["a conversation", "new Conversation()"],
  [
    "a message's date",
    "(() => { const c = new Conversation(); c.addMessage('user', 'x'); return c.getMessages()[0].time; })()",
  ],
  ["a vector", "embeddings.generateEmbedding('x')"],
  ["a vector's buffer", "embeddings.generateEmbedding('x').buffer"],
  ["the model's record", "embeddings.getModel()"],
  ["a URL", "new URL('https://example.org/?a=b').searchParams"],
  ["an abort signal", "AbortSignal.timeout(1)"],
  ["an abort's reason", "AbortSignal.abort().reason"],
  ["a clone", "structuredClone(new Map([[1, { a: new Date() }]])).get(1)"],
  ["random bytes", "crypto.getRandomValues(new Uint8Array(4))"],
  ["an encoder's bytes", "new TextEncoder().encode('x')"],
  ["an event", "new Event('x')"],
  ["a refusal of a URL", "caught(() => new URL('no url'))"],
  ["a refusal of a timer", "caught(() => setTimeout(5))"],
  ["a refusal of a step", "caught(() => doubleStep.startBlocking('x'))"],
  ["a refusal's cause and methods", "caught(() => doubleStep.startBlocking('x')).includes"],
  ["a refusal of a value", "caught(() => doubleStep.startBlocking(() => {}))"],
  [
    "a refused deep value",
    "caught(() => { let v = []; for (let i = 0; i < 300; i++) v = [v]; doubleStep.startBlocking(v); })",
  ],
  ["an exhausted stack", "caught(function dive() { dive(); })"],
  [
    "an exhausted stack in an op",
    "(() => { let depth = 0; return caught(function dive() { if (++depth % 50 === 0) new URL('http://x'); dive(); }); })()",
  ],
];

const WALKS: Attack[] = VALUES.map(([name, code]) => ({
  name: `climbs from ${name} by its constructors`,
  code: `export default same(${code});`,
  ends: "completed",
  value: true,
}));
/** Code that runs where the runtime calls the script back. */
const CALLBACKS: [string, string][] = [
  ["a timer", "setTimeout(function () { look(this, arguments); }, 1);"],
  ["an event callback", "doubleStep.runWithEvents(1, function () { look(this, arguments); });"],
  ["onResult", "doubleStep.startWithCallbacks(1, { onResult() { look(undefined, arguments); } });"],
  ["a lambda", "await steps.createLambdaStep(function () { look(this, arguments); return 1; }).startAsync(1);"],
  ["a blocking lambda", "steps.createLambdaStep(function () { look(this, arguments); return 1; }).startBlocking(1);"],
  [
    "a tool",
    "await chat('call: spy {}', { tools: [{ name: 'spy', description: '', input: { type: 'object' }, run() { look(undefined, arguments); return 1; } }] }); look(undefined, []);",
  ],
  [
    "an abort listener",
    "const c = new AbortController(); c.signal.addEventListener('abort', function () { look(this, arguments); }); c.abort();",
  ],
  [
    "a factory's option function",
    "new ChatStepFactory().newStep([{}, function () { look(this, arguments); return null; }]); look(undefined, []);",
  ],
  [
    "a getter of an argument",
    "caught(() => doubleStep.startBlocking({ get a() { look(this, arguments); return 1; } }));",
  ],
  ["a toJSON", "caught(() => doubleStep.startBlocking({ toJSON() { look(this, arguments); return 1; } }));"],
  [
    "a proxy's traps",
    "caught(() => doubleStep.startBlocking(new Proxy({}, { ownKeys() { look(this, arguments); return []; } })));",
  ],
  ["a thenable", "await { then(resolve) { look(undefined, arguments); resolve(1); } };"],
  [
    "a promise's species",
    "class P extends Promise { static get [Symbol.species]() { look(this, []); return Promise; } } await new P((r) => r(1)).then(() => {});",
  ],
  ["console's inspection", "console.log(new Proxy({}, { get() { look(this, arguments); } })); look(undefined, []);"],
];

const CALLED_BACK: Attack[] = CALLBACKS.map(([name, code]) => ({
  name: `looks at its caller, receiver and arguments from ${name}`,
  code: `let seen = []; const look = (self, args) => {
      let caller; try { caller = look.caller; } catch { caller = undefined; }
      const parts = [self, caller, ...args].filter((v) => v !== null && v !== undefined && v !== globalThis);
      seen.push(parts.every((v) => Object.getPrototypeOf(Object(v)) === null || same(Object(v))));
    };
    ${code}
    while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 20));
    done(seen.length > 0 && seen.every(Boolean));`,
  ends: "done",
  value: true,
}));

const OTHERS: Attack[] = [
  {
    name: "makes functions of every kind",
    code: `const made = [Function, (async () => {}).constructor, (function* () {}).constructor, (async function* () {}).constructor].map((F) => F("return typeof process?.binding + typeof require")); export default [made[0](), await made[1](), made[2]().next().value, (await made[3]().next()).value];`,
    ends: "completed",
    value: Array.from({ length: 4 }, () => "undefinedundefined"),
  },
  {
    name: "evaluates in the global scope",
    code: `export default (0, eval)("typeof module + typeof exports + typeof __dirname + typeof Deno + typeof window + typeof Bun");`,
    ends: "completed",
    value: "undefined".repeat(6),
  },
  { name: "imports node:fs", code: `import fs from "node:fs"; export default fs;`, ends: "load" },
  {
    name: "imports the runtime's own modules",
    code: `import { complete } from "hooks"; complete(1, 2);`,
    ends: "load",
  },
  { name: "re-exports the runtime's main module", code: `export * from "geppetto:main";`, ends: "load" },
  {
    name: "imports with attributes",
    code: `import x from "./package.json" with { type: "json" }; export default x;`,
    ends: "load",
  },
  {
    name: "imports dynamically, by every path",
    code: `const out = []; for (const name of ["node:fs", "fs", "hooks", "script", "geppetto:main", "isolated-vm", "/etc/passwd", "file:///etc/passwd", "data:text/javascript,1"]) { try { await import(name); out.push(name); } catch {} } export default out;`,
    ends: "completed",
    value: [],
  },
  {
    name: "imports from evaluated code",
    code: `try { await (0, eval)("import('node:child_process')"); } catch (error) { done(same(error)); }`,
    ends: "done",
    value: true,
  },
  {
    name: "looks into import.meta",
    code: `export default [Object.getPrototypeOf(import.meta), Object.keys(import.meta), import.meta.url];`,
    ends: "completed",
    value: [null, ["url"], "file:///script.js"],
  },
  {
    name: "asks for the hooks that the realm is started with",
    code: `export default ["geppettoComplete", "runtime", "ivm", "_ivm", "$0", "bootstrap", "__geppetto"].filter((n) => n in globalThis);`,
    ends: "completed",
    value: [],
  },
  {
    name: "reads Node's process object out of the shim",
    code: `export default ["binding", "_linkedBinding", "dlopen", "mainModule", "kill", "env.PATH", "pid", "cwd", "version", "versions", "execPath", "report"].filter((k) => process[k] !== undefined || process.constructor[k] !== undefined);`,
    ends: "completed",
    value: [],
  },
  {
    name: "reads the environment",
    code: `export default [Object.getOwnPropertyNames(process.env), process.env.PATH, process.env.GEPPETTO_CANARY, process.env.__proto__, "HOME" in process.env];`,
    ends: "completed",
    value: [[], undefined, undefined, undefined, false],
  },
  {
    name: "reads its arguments for host paths",
    code: `export default process.argv.some((text) => /[\\/](home|work|usr|root|tmp)[\\/]/.test(text));`,
    ends: "completed",
    value: false,
  },
  {
    name: "looks for keys in every reachable text",
    code: `const seen = new Set(), queue = [globalThis, new ChatStepFactory().newStep(), new Conversation(), embeddings]; let found = 0; while (queue.length) { const v = queue.pop(); if ((typeof v !== "object" && typeof v !== "function") || v === null || seen.has(v)) continue; seen.add(v); for (const k of Reflect.ownKeys(v)) { let d; try { d = Reflect.getOwnPropertyDescriptor(v, k); } catch { continue; } if (typeof d?.value === "string" && (d.value.startsWith("sk-") || d.value.includes("canary"))) found++; queue.push(d?.value, d?.get, d?.set, Object.getPrototypeOf(v)); } } export default found;`,
    ends: "completed",
    value: 0,
  },
  {
    name: "reads a file as an image",
    code: `const out = []; for (const path of ["/etc/passwd", "../../../../etc/passwd", "/proc/self/environ", "/proc/1/cmdline", "/dev/zero", "file:///etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd\\0.png", "C:\\\\x.png", "//host/share.png", ""]) { try { new Conversation().addMessageWithImage("user", "x", path); out.push(path); } catch (error) { if (/root:|canary/.test(error.message)) out.push(error.message); } } export default out;`,
    ends: "completed",
    value: [],
  },
  {
    name: "has images fetched from private hosts",
    code: `const out = []; for (const url of ["http://169.254.169.254/latest/meta-data", "https://127.0.0.1/x.png", "https://localhost/x.png", "https://[::1]/x.png", "https://0x7f.1/x.png", "https://2130706433/x.png", "https://10.0.0.1/a.png", "ftp://example.org/a.png", "https://[::ffff:127.0.0.1]/", "https://192.168.0.1./x.png"]) { try { new Conversation().addMessageWithImage("user", "x", url); out.push(url); } catch {} } export default out;`,
    ends: "completed",
    value: [],
  },
  {
    name: "passes look-alikes of paths",
    code: `const out = []; for (const path of [{ href: "file:///etc/passwd", protocol: "file:", toString: () => "/etc/passwd" }, new URL("file:///etc/passwd"), new Uint8Array([47, 101]), 0, ["/etc/passwd"], { __proto__: String.prototype }]) { try { new Conversation().addMessageWithImage("user", "x", path); out.push(String(path)); } catch {} } export default out;`,
    ends: "completed",
    value: [],
  },
  {
    name: "sets keys, base URLs and headers",
    code: `const out = []; for (const option of ["apiKey", "baseURL", "baseUrl", "headers", "fetch", "organization", "defaultHeaders", "httpAgent"]) { try { const step = new ChatStepFactory().newStep({ [option]: "https://evil.example" }); await step.startAsync("echo: x"); out.push(option); } catch {} } export default out;`,
    ends: "completed",
    value: [],
  },
  {
    name: "finds what another script has left",
    code: `export default [typeof planted, Object.prototype.planted, Array.prototype.planted, Symbol.for("planted").description === "planted" && globalThis[Symbol.for("planted")]];`,
    ends: "completed",
    value: ["undefined", undefined, undefined, undefined],
  },
  {
    name: "plants for other scripts",
    code: `globalThis.planted = 1; Object.prototype.planted = 1; Array.prototype.planted = 1; globalThis[Symbol.for("planted")] = 1; delete Object.prototype.planted; delete Array.prototype.planted;`,
    ends: "completed",
  },
  {
    name: "uses WebAssembly, shared memory, Atomics and weak references by any name",
    code: `export default ["WebAssembly", "SharedArrayBuffer", "Atomics", "FinalizationRegistry", "WeakRef", "Float16Array"].filter((n) => n in globalThis || (0, eval)("typeof " + n) !== "undefined");`,
    ends: "completed",
    value: [],
  },
  {
    name: "grows a buffer",
    code: `const b = new ArrayBuffer(8, { maxByteLength: 2 ** 40 }); export default [typeof b.resize, b.byteLength];`,
    ends: ["completed", "uncaught RangeError"],
  },
  {
    name: "grows a huge resizable buffer by transfer",
    code: `const b = new ArrayBuffer(8, { maxByteLength: 1 << 28 }); const c = b.transfer?.(1 << 28); export default typeof c?.resize;`,
    ends: ["completed", "uncaught RangeError", "ERR_LIMIT_MEMORY", "ERR_ENGINE_CRASHED"],
  },
  {
    name: "follows the stack of call sites out",
    code: `Error.prepareStackTrace = (_, sites) => sites; const leaks = (error) => Array.isArray(error.stack) && error.stack.some((s) => s.getFunction?.() !== undefined || (s.getThis?.() ?? globalThis) !== globalThis || /\\/(src|dist|node_modules)\\//.test(String(s))); const out = [leaks(new Error("x"))]; for (const f of [() => new URL("x"), () => doubleStep.startBlocking("x"), () => setTimeout(1)]) out.push(leaks(caught(f))); export default out;`,
    ends: "completed",
    value: [false, false, false, false],
  },
  {
    name: "reads host paths in stacks",
    code: `Error.stackTraceLimit = Infinity; const stacks = [new Error("a").stack, caught(() => new URL("x")).stack, caught(() => doubleStep.startBlocking("x")).stack, caught(() => doubleStep.startBlocking(Symbol())).stack]; try { await doubleStep.startAsync("x"); } catch (error) { stacks.push(error.stack); } export default stacks.map((s) => /node_modules|\\/dist\\/|\\/src\\/|node:|realm|isolated|geppetto:/.test(s));`,
    ends: "completed",
    value: [false, false, false, false, false],
  },
  {
    name: "guesses the host's secret",
    code: `export default (0, eval)("process.env.GEPPETTO_CANARY") === ${JSON.stringify(SECRET.slice(0, 8))} + ${JSON.stringify(SECRET.slice(8))};`,
    ends: "completed",
    value: false,
  },
];

describeAttacks("escapes", [...WALKS, ...CALLED_BACK, ...OTHERS]);
