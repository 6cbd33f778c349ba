/** What one tenant does to make its host slow for the others; each goes on until it is ended, or is begun anew. */
export interface HostileScript {
  name: string;
  code: string;
  /** The model of the test's server that it asks; default the embedded demo model. */
  model?: string;
  /** Does it come with modules, in a folder of its own? */
  imports?: true;
}

const TOOL = `const x = { name: "x", input: { type: "object" }, run: () => 1 };`;
const again = (work: string): string => `const quiet = () => {}; for (;;) { ${work} }`;
/** Asks again and again, eight questions at a time. */
const asking = (prompt: string, options = "{ tools: [x] }"): string =>
  `${TOOL} ${again(`await Promise.all(Array.from({ length: 8 }, () => chat(${prompt}, ${options}).catch(quiet)));`)}`;

export const HOSTILE_SCRIPTS: readonly HostileScript[] = [
  { name: "arguments of tools that are deep", code: asking(`'call: x {"a":' + "[".repeat(4e5)`) },
  { name: "arguments of tools that are long", code: asking(`'call: x {"a":[' + "[],".repeat(5e6) + '1]}'`) },
  { name: "arguments of tools that are just taken", code: asking(`'call: x {"a":[' + "[],".repeat(9e4) + '1]}'`) },
  {
    name: "patterns that are slow",
    code: again(
      `await Promise.all(Array.from({ length: 50 }, (_, i) => chat('call: s {"a":"' + "a".repeat(2e5) + '"}', { tools: [{ name: "s", input: { properties: { a: { pattern: "^((a?){300}){2}" + i + "$" } } }, run: () => 1 }] }).catch(quiet)));`,
    ),
  },
  {
    name: "schemas that are slow",
    code: `const twice = (n) => n === 0 ? { type: "string" } : { allOf: [twice(n - 1), twice(n - 1)] };
      ${again(`await Promise.all(Array.from({ length: 50 }, (_, i) => chat('call: s {"a":[' + "1,".repeat(5e4) + '1]}', { tools: [{ name: "s", input: { $id: "https://x/" + i, properties: { a: { items: { anyOf: [twice(9), {}] } } } }, run: () => 1 }] }).catch(quiet)));`)}`,
  },
  {
    name: "schemas that are large and new each time",
    code: `let n = 0; ${again(`await Promise.all(Array.from({ length: 50 }, () => chat("call: s {}", { tools: [{ name: "s", input: { description: String(n++), enum: Array.from({ length: 25_000 }, (_, i) => i) }, run: () => 1 }] }).catch(quiet)));`)}`,
  },
  {
    name: "timers without end",
    code: `const more = () => { setTimeout(more); setTimeout(more); }; for (;;) { try { more(); } catch {} await null; await new Promise((r) => setTimeout(r)); }`,
  },
  { name: "intervals", code: `for (let i = 0; i < 9000; i++) setInterval(() => {}, 1);` },
  { name: "ops that are answered at once", code: again(`crypto.getRandomValues(new Uint8Array(65_536));`) },
  {
    name: "runs without end",
    code: again(`await Promise.all(Array.from({ length: 900 }, () => doubleStep.startAsync(1)));`),
  },
  {
    name: "events without end",
    code: `const all = Array.from({ length: 5000 }, (_, i) => i); const step = steps.createMapStep((x) => x); ${again(`await Promise.all([1, 2, 3, 4].map(() => step.startAsync(all)));`)}`,
  },
  {
    name: "calls of models",
    code: again(`await Promise.all(Array.from({ length: 500 }, () => chat("echo: x").catch(quiet)));`),
  },
  {
    name: "results that are huge",
    code: again(`await steps.createLambdaStep(() => "x".repeat(16e6)).startAsync("x".repeat(16e6)).catch(quiet);`),
  },
  { name: "a value that is huge", code: `export default Array.from({ length: 500_000 }, () => []);` },
  {
    name: "a value with many names",
    code: `export default Object.fromEntries(Array.from({ length: 110_000 }, (_, i) => ["k" + i, i]));`,
  },
  { name: "much output", code: again(`console.log("x".repeat(1000));`) },
  { name: "output in large pieces", code: again(`console.log("x".repeat(900_000));`) },
  {
    name: "errors",
    code: again(`try { console.error(new Error("x".repeat(1e6), { cause: new Error("y".repeat(1e6)) })); } catch {}`),
  },
  {
    name: "errors that nobody hears",
    code: again(
      `for (let i = 0; i < 100; i++) { steps.createLambdaStep(() => { throw new Error("x".repeat(1e5)); }).startAsync(1).catch(quiet); } await new Promise((r) => setTimeout(r));`,
    ),
  },
  {
    name: "a conversation that is long",
    code: `const c = new Conversation(); for (let i = 0; i < 19_000; i++) c.addMessage("user", "x"); const step = new ChatStepFactory().newStep();
      ${again(`await step.startAsync(c.getMessages()).catch(quiet);`)}`,
  },
  {
    name: "images",
    code: `const c = new Conversation(); const url = "data:image/png;base64," + "A".repeat(15e6); ${again(`await Promise.resolve().then(() => new Conversation().addMessageWithImage("user", "x", url)).catch(quiet);`)}`,
  },
  {
    name: "uses that are denied",
    code: again(`await new Conversation().addMessageWithImage("user", "x", "/etc/passwd").catch(quiet);`),
  },
  {
    name: "texts to embed that are long",
    code: again(
      `await Promise.all(Array.from({ length: 4 }, () => embeddings.generateEmbeddingAsync("word ".repeat(13_000)).catch(quiet)));`,
    ),
  },
  { name: "regular expressions", code: `/^(a+)+$/.test("a".repeat(60) + "!");` },
  { name: "a loop", code: `for (;;);` },
  { name: "memory without end", code: `const all = []; for (;;) all.push(new Array(1e5).fill(all.length));` },
  { name: "bytes without end", code: `const all = []; for (;;) all.push(new Uint8Array(1e7).fill(1));` },
  { name: "a guest that dies at once", code: `throw 1;` },
  { name: "guests that exit", code: `process.exit(3);` },
  { name: "a source that is deep", code: `export default ${"(".repeat(100_000)}1${")".repeat(100_000)};` },
  {
    name: "a source that is long",
    code: "let a; { let b = [1, 2, 3]; }\n".repeat(250_000).replaceAll("let a;", ""),
  },
  {
    name: "pipelines",
    code: `const wide = pipeline.branch(...Array.from({ length: 31 }, () => (x) => x)); const p = pipeline.chain(wide, wide);
      ${again(`await Promise.all(Array.from({ length: 50 }, () => p.startAsync(["x"]).catch(quiet)));`)}`,
  },
  {
    name: "results that are kept",
    code: `let n = 0; const step = steps.withCache(steps.createLambdaStep((x) => "y".repeat(1e6))); ${again(`await step.startAsync(n++).catch(quiet);`)}`,
  },
  { name: "imports that cost", code: `import "./many.js"; for (;;);`, imports: true },
  { name: "imports that are large", code: `import "./large.js"; for (;;);`, imports: true },
  ...["line", "comments", "letters", "chunks", "nothing", "calls", "arguments", "deep", "wide", "junk", "error"].map(
    (model): HostileScript => ({ name: `a model that sends ${model}`, code: asking(`"go"`), model }),
  ),
];
