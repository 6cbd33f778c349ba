import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ISOLATIONS, withEngine } from "../engine/engine-harness.ts";
import { ScriptFolder } from "../cli/run-cli.ts";

let folder: ScriptFolder;
beforeAll(() => void (folder = new ScriptFolder()));
afterAll(() => folder.remove());

/** Functions of V8's own that the script itself calls. */
const NATIVE = ["new Promise (<anonymous>)", "Array.map (<anonymous>)"];

/** What fails in many ways, and the functions of V8's own that a stack then shows. */
const FAILURES: readonly [code: string, natives?: readonly string[]][] = [
  ["await fetch('https://example.com')"],
  ["await embeddings.generateEmbeddingAsync(5)"],
  ["await embeddings.generateEmbeddings(5)"],
  ["await chat('error: 500')"],
  ["await doubleStep.startAsync('x')"],
  ["doubleStep.startBlocking('x')"],
  ["await Promise.all([doubleStep.startAsync('x')])"],
  ["for await (const event of doubleStep.events('x')) if (event.type === 'error') throw event.cause"],
  ["for await (const part of new ChatStepFactory().newStep().stream('error: 500'));"],
  ["const c = new AbortController(); const p = doubleStep.startAsync(1, { signal: c.signal }); c.abort(); await p"],
  ["await steps.createLambdaStep(() => { throw new Error('mine') }).startAsync(1)"],
  ["await steps.createLambdaStep(async () => { await 1; throw new Error('mine') }).startAsync(1)"],
  ["await steps.withRetry(doubleStep, { maxAttempts: 2, backoff: () => 1 }).startAsync('x')"],
  ["await steps.withTimeout(steps.createLambdaStep(() => new Promise((r) => setTimeout(r, 100))), 5).startAsync(1)"],
  ["await steps.withCache(doubleStep, {}).startAsync('x')"],
  ["await steps.createParallelStep({ step: doubleStep, maxConcurrency: 2 }).startAsync(['x'])"],
  ["await steps.compose([(x) => x, doubleStep]).startAsync('x')"],
  ["await pipeline.chain(() => { throw new Error('mine') }).startAsync(1)"],
  ["await store.get(5)"],
  ["await store.set('k', 'x'.repeat(2_000_000))"],
  ["await execution.sleep('x')"],
  ["new Conversation().addMessageWithImage('user', 'x', '/etc/x.png')"],
  ["setTimeout(5)"],
  ["new URL('x')"],
  ["structuredClone(() => {})"],
  ["secrets.NOPE"],
  ["mcp.nope"],
  ["await new Response('x').json()"],
  ["await new ReadableStream({ pull() { throw new Error('mine') } }).getReader().read()"],
  ["const reader = new ReadableStream().getReader(); reader.releaseLock(); await reader.read()"],
  ["new ReadableStream({ type: 'x' })"],
  [
    "const t = new TransformStream({ transform() { throw new Error('mine') } }); t.writable.getWriter().write(1).catch(() => {}); await t.readable.getReader().read()",
  ],
  ["await import('./nothing.js')"],
  ["await new Promise(() => { throw new Error('mine') })", ["new Promise (<anonymous>)"]],
  [
    "await new Promise((_, reject) => doubleStep.startWithCallbacks('x', { onError: reject }))",
    ["new Promise (<anonymous>)"],
  ],
  ["[1].map(() => { throw new Error('mine') })", ["Array.map (<anonymous>)"]],
  ["[1].map(() => new URL('x'))", ["Array.map (<anonymous>)"]],
];

describe("the stack of an error", () => {
  it.each(ISOLATIONS)("shows a script its own frames and nobody else's, in a %s", async (isolation) => {
    const tries = FAILURES.map(([code]) => `async () => { ${code} }`).join(",\n");
    const code = `const stacks = [];
      for (const fail of [${tries}]) stacks.push(await fail().then(() => "none", (error) => error.stack));
      export default stacks;`;
    await withEngine({ isolation }, async ({ engine }) => {
      const outcome = await engine.runScript({ file: folder.file("own.js", code) }, {});
      expect(outcome.error).toBeUndefined();
      const found = (outcome.value as string[]).map((stack, i) => {
        const frames = stack.split("\n").flatMap((line) => (line.startsWith("    at ") ? [line.slice(7)] : []));
        const others = frames.filter((frame) => !/(?:^|\(|async )file:\/\/\/own\.js:\d+:\d+\)?$/.test(frame));
        return [FAILURES[i]![0], stack === "none" || frames.length > 0, others];
      });
      expect(found).toEqual(FAILURES.map(([failing, natives = []]) => [failing, true, natives]));
      expect(NATIVE).toEqual([...new Set(FAILURES.flatMap(([, natives = []]) => natives))]);
    });
  });
});
