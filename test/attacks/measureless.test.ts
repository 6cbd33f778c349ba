import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EnginePool, setupDefaults } from "../../src/index.ts";
import { png } from "../images/sample-images.ts";
import { allowedStallMs, MAX_ADDED_MB, measureLoad } from "../machine/parent-load.ts";
import { isTaken } from "../machine/part-of.ts";
import { patience } from "../machine/patience.ts";

const folder = mkdtempSync(join(tmpdir(), "measureless-"));
const IMAGE = join(folder, "large.png");

/** What a script hands to its host, as much of it as its own wall lets through, or more. */
const INPUTS: [name: string, code: string][] = [
  [
    "the name of a tool in a prompt",
    `await chat('call: ' + "x".repeat(15e6) + ' {}', { tools: [{ name: "x", input: {}, run: () => 1 }] }).catch(e => e)`,
  ],
  [
    "the description of a tool",
    `await chat("echo: a", { tools: [{ name: "x", description: "d".repeat(14e6), input: {type:"object"}, run: () => 1 }] }).catch(e => e)`,
  ],
  ["a system prompt", `await chat("echo: a", { system: "s ".repeat(7e6) }).catch(e => e)`],
  ["an answer that is one word", `await chat("echo: " + "w".repeat(14e6)).catch(e => e)`],
  ["a field's name", `await doubleStep.startAsync({ ["k".repeat(15e6)]: 1 }).catch(e => e)`],
  ["a URL", `try { new URL("http://a/" + "b".repeat(15e6)) } catch (e) {}`],
  [
    "a URL's query",
    `try { const u = new URL("http://a/?" + "a=b&".repeat(3e6)); u.searchParams.sort(); u.href } catch (e) {}`,
  ],
  ["a URL's host", `try { new URL("http://" + "a.".repeat(5e6)) } catch (e) {}`],
  ["a URL's host of other letters", `try { new URL("http://" + "ü".repeat(1e6) + ".de") } catch (e) {}`],
  ["a URL of nothing but @", `try { new URL("http://" + "@".repeat(10e6)) } catch (e) {}`],
  ["an IPv6 address", `try { new URL("http://[" + ":".repeat(10e6) + "]") } catch (e) {}`],
  ["a URL that goes up and up", `try { new URL("http://a/" + "../".repeat(5e6)) } catch (e) {}`],
  ["a URL's letters", `try { new URL("http://a/" + "é".repeat(5e6)) } catch (e) {}`],
  ["an exit code", `process.exit("1".repeat(15e6))`],
  [
    "a text to embed",
    `await embeddings.generateEmbeddingAsync("word ".repeat(3e6), { signal: AbortSignal.timeout(300) }).catch(e => e)`,
  ],
  [
    "a data: URL",
    `await new Conversation().addMessageWithImage("user", "x", "data:image/png;base64," + "A".repeat(15e6)).catch(e => e)`,
  ],
  [
    "a data: URL that is escaped",
    `await new Conversation().addMessageWithImage("user", "x", "data:image/png," + "%41".repeat(5e6)).catch(e => e)`,
  ],
  [
    "an image's URL",
    `await new Conversation().addMessageWithImage("user", "x", "https://a/" + "b".repeat(15e6)).catch(e => e)`,
  ],
  ["a large image", `await new Conversation().addMessageWithImage("user", "x", ${JSON.stringify(IMAGE)})`],
  ["an image's path", `await new Conversation().addMessageWithImage("user", "x", "a/".repeat(7e6)).catch(e => e)`],
  [
    "an image's path that goes up and up",
    `await new Conversation().addMessageWithImage("user", "x", "../".repeat(5e6)).catch(e => e)`,
  ],
  ["a model's name", `await chat("echo: a", { model: "m".repeat(15e6) }).catch(e => e)`],
  ["strings at which to stop", `await chat("echo: a", { stop: Array.from({length: 1e5}, () => "x") }).catch(e => e)`],
  ["a wait", `await chat("slow: " + "9".repeat(1e6) + " x").catch(e => e)`],
  ["an error's status", `await chat("error: " + "4".repeat(1e7)).catch(e => e)`],
  ["an error's words", `await chat("error: 429 " + "t".repeat(1e7)).catch(e => e)`],
  ["lines of a prompt", `await chat("a\\n".repeat(5e6)).catch(e => e)`],
  ["facts in a prompt", `await chat("Anna likes tea. ".repeat(9e5) + "What does Anna like?").catch(e => e)`],
  ["questions in a system prompt", `await chat("What?", { system: "? ".repeat(7e6) }).catch(e => e)`],
  [
    "a schema to fill from a long prompt",
    `await chat("x ".repeat(2e6), { responseFormat: { type: "object", properties: Object.fromEntries(Array.from({length: 1000}, (_, i) => ["k" + i, { type: "string" }])), required: Array.from({length: 1000}, (_, i) => "k" + i) } }).catch(e => e)`,
  ],
  [
    "a schema for answers that is deep",
    `let s = { type: "string" }; for (let i = 0; i < 5000; i++) s = { type: "array", items: s, minItems: 1 }; await chat("x", { responseFormat: s }).catch(e => e)`,
  ],
  [
    "a schema for answers that doubles at each level",
    `let s = { type: "string" }; for (let i = 0; i < 90; i++) s = { allOf: [s, s] }; await chat("x", { responseFormat: s }).catch(e => e)`,
  ],
  [
    "a schema for answers that refers to itself",
    `await chat("x", { responseFormat: { $defs: { a: { type: "array", items: { $ref: "#/$defs/a" }, minItems: 9 } }, $ref: "#/$defs/a" } }).catch(e => e)`,
  ],
  [
    "a list without end as an answer",
    `await chat("x", { responseFormat: { type: "array", minItems: 1e9, items: { type: "string" } } }).catch(e => e)`,
  ],
  [
    "a text without end as an answer",
    `await chat("x", { responseFormat: { type: "string", minLength: 1e9 } }).catch(e => e)`,
  ],
  [
    "lists of lists as an answer",
    `let s = { type: "string" }; for (let i = 0; i < 30; i++) s = { type: "array", items: s, minItems: 10 }; await chat("x", { responseFormat: s }).catch(e => e)`,
  ],
  [
    "objects of objects as an answer",
    `let s = { type: "string" }; for (let i = 0; i < 25; i++) s = { type: "object", properties: { a: s, b: s }, required: ["a", "b"] }; await chat("x", { responseFormat: s }).catch(e => e)`,
  ],
  [
    "a pattern as an answer",
    `await chat("x", { responseFormat: { type: "string", pattern: "^(a+)+$", minLength: 100 } }).catch(e => e)`,
  ],
  [
    "a choice of many as an answer",
    `await chat("x", { responseFormat: { enum: Array.from({length: 1e5}, (_, i) => i) } }).catch(e => e)`,
  ],
  [
    "errors with causes",
    `let e = new Error("x"); for (let i = 0; i < 9000; i++) e = new Error("y", { cause: e }); throw e`,
  ],
  ["an error of many errors", `throw new AggregateError(Array.from({length: 20000}, () => new Error("x")))`],
  [
    "an error with many fields",
    `throw Object.assign(new Error("x"), Object.fromEntries(Array.from({length: 1e5}, (_, i) => ["k" + i, { a: { b: { c: i } } }])))`,
  ],
  [
    "steps within steps",
    `let s = doubleStep; for (let i = 0; i < 5000; i++) s = steps.compose([s]); await s.startAsync(1).catch(e => e)`,
  ],
  [
    "caches within caches",
    `let s = doubleStep; for (let i = 0; i < 900; i++) s = steps.withCache(s); await s.startAsync(1).catch(e => e)`,
  ],
  [
    "pipelines within pipelines",
    `let p = pipeline.chain((x) => x); for (let i = 0; i < 200; i++) p = pipeline.chain(p, (x) => x); await p.startAsync(1).catch(e => e)`,
  ],
  [
    "branches within branches",
    `let b = (x) => x; for (let i = 0; i < 8; i++) b = pipeline.branch(b, b); await pipeline.chain(b).startAsync(1).catch(e => e)`,
  ],
  [
    "the names of stages",
    `const p = pipeline.chain(...Array.from({ length: 99 }, (_, i) => pipeline.stage("s".repeat(1e5) + i, (x) => x))); p.toMermaid?.()`,
  ],
  [
    "parts of a message",
    `await new ChatStepFactory().newStep().startAsync([{ role: "user", content: Array.from({length: 999}, () => ({ type: "text", text: "x".repeat(15000) })) }]).catch(e => e)`,
  ],
  [
    "messages",
    `await new ChatStepFactory().newStep().startAsync(Array.from({length: 19999}, (_, i) => ({ role: i % 2 ? "assistant" : "user", content: "x".repeat(600) }))).catch(e => e)`,
  ],
  [
    "calls of tools in messages",
    `await new ChatStepFactory().newStep().startAsync(Array.from({length: 9000}, (_, i) => ({ type: "function_call", call_id: "c" + i, name: "a", arguments: "{" }))).catch(e => e)`,
  ],
  [
    "messages that are none",
    `await new ChatStepFactory().newStep().startAsync(Array.from({length: 19999}, (_, i) => ({ bad: i }))).catch(e => e)`,
  ],
  [
    "options that there are not",
    `await chat("echo: x", Object.fromEntries(Array.from({length: 1e5}, (_, i) => ["tool" + i, i]))).catch(e => e)`,
  ],
  ["an option's name", `await chat("echo: x", { ["t".repeat(1e7)]: 1 }).catch(e => e)`],
  [
    "tools, and calls of others",
    `await chat("call: nope {}\\n".repeat(50), { tools: Array.from({length: 999}, (_, i) => ({ name: "t" + i, input: {}, run: () => 1 })) }).catch(e => e)`,
  ],
  ["a host tool's name", `await chat("echo: x", { tools: ["n".repeat(1e7)] }).catch(e => e)`],
  ["host tools", `await chat("echo: x", { tools: Array.from({length: 1e5}, (_, i) => "n" + i) }).catch(e => e)`],
  [
    "timers that are due at once",
    `for (let i = 0; i < 9999; i++) setTimeout(() => {}, 1); await new Promise(r => setTimeout(r, 500))`,
  ],
  [
    "signals that are due at once",
    `const all = Array.from({length: 900}, () => AbortSignal.timeout(1)); await new Promise(r => setTimeout(r, 500))`,
  ],
  [
    "cancels of runs that are not there",
    `for (let i = 0; i < 200; i++) { const id = doubleStep.runWithEvents(1, () => {}); doubleStep.cancel(id); doubleStep.cancel("x".repeat(1e5)); }`,
  ],
  ["empty texts to embed", `await embeddings.generateEmbeddings(Array.from({length: 10000}, () => "")).catch(e => e)`],
  [
    "more texts to embed than are taken",
    `await embeddings.generateEmbeddings(Array.from({length: 10001}, () => "")).catch(e => e)`,
  ],
  [
    "models of embeddings",
    `for (let i = 0; i < 30; i++) { try { await embeddings.createStep?.({ model: "m" + i }).startAsync("x") } catch (e) {} }`,
  ],
  ["runs one after the other", `await steps.bind(Array.from({length: 2000}, (_, i) => i), doubleStep).catch(e => e)`],
  [
    "runs at a time",
    `await steps.createParallelStep({ maxConcurrency: 900, step: doubleStep }).startAsync(Array.from({length: 5000}, (_, i) => i)).catch(e => e)`,
  ],
  [
    "large elements of a pipeline",
    `await pipeline.chain((x) => Array.from({length: 15}, () => "x".repeat(1e6)), (x) => x).startAsync(1).catch(e => e)`,
  ],
  ["a table", `console.table(Array.from({length: 3000}, (_, i) => ({ a: i, b: i })))`],
  ["empty lines", `for (let i = 0; i < 1e5; i++) console.log("")`],
  [
    "hooks",
    `const s = steps.withEvents(doubleStep, { onResult() {} }); for (let i = 0; i < 500; i++) await s.startAsync(i)`,
  ],
  ["random identifiers", `for (let i = 0; i < 3000; i++) crypto.randomUUID()`],
  ["calls that block", `for (let i = 0; i < 3000; i++) doubleStep.startBlocking(1)`],
  ["rejections that nobody hears", `for (let i = 0; i < 2e4; i++) Promise.reject(new Error("x".repeat(500)))`],
  ["variables of the environment", `for (let i = 0; i < 1e5; i++) process.env["k" + i]`],
  ["imports of what is not there", `for (let i = 0; i < 3000; i++) await import("x" + i).catch(() => {})`],
  [
    "images that are not there",
    `for (let i = 0; i < 3000; i++) await new Conversation().addMessageWithImage("user", "x", "./images/" + i + ".png").catch(e => e)`,
  ],
  [
    "paths that are denied",
    `for (let i = 0; i < 300; i++) await new Conversation().addMessageWithImage("user", "x", "/" + "é".repeat(1e5) + i).catch(e => e)`,
  ],
  ["ends", `for (let i = 0; i < 1e4; i++) { try { done("x".repeat(1000)) } catch {} }`],
  ["an end with a large value", `done(Array.from({length: 5e5}, () => []))`],
  ["a text as the value", `export default "x".repeat(16.5e6)`],
];

describe("a parent that is handed without measure", () => {
  let pool: EnginePool;
  beforeAll(() => {
    writeFileSync(IMAGE, png(20_900_000));
    pool = new EnginePool({
      size: 1,
      console: { stdout() {}, stderr() {} },
      limits: { wallMs: patience(4000), memoryMB: 400 },
      permissions: { read: [folder] },
      setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
    });
  });
  afterAll(async () => {
    await pool.close();
    rmSync(folder, { recursive: true });
  });

  let heldMB: number | undefined;
  // Every other one, and in a whole run all. A collection of garbage may fall into a measurement, and not into each.
  it.each(INPUTS.filter((_, i) => isTaken(i, 2)))(
    "%s computes for less than 100 ms at a time, and keeps little",
    { retry: 2 },
    async (_, code) => {
      const { result, stallMs, addedMB, afterMB } = await measureLoad(() => pool.run({ code }), heldMB);
      heldMB = afterMB;
      expect(["completed", "done", "exit", "uncaught", "limit"]).toContain(result.end);
      expect(stallMs).toBeLessThan(allowedStallMs());
      expect(addedMB).toBeLessThan(MAX_ADDED_MB);
    },
  );
});
