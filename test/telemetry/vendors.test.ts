import { afterAll, beforeAll, expect, it } from "vitest";
import { RuntimeEngine, setupDefaults, type ScriptOutcome } from "../../src/index.ts";
import { type ScriptedServer, startScriptedServer } from "../chat/scripted-server.ts";
import { treeOf, useCollector, type CollectedSpan } from "./collector.ts";

const collector = useCollector();
let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer({ model: "scripted-2026" });
});
afterAll(() => server.close());

async function run(code: string): Promise<{ outcome: ScriptOutcome; spans: CollectedSpan[] }> {
  const prices = { scripted: { input: 1000, output: 5000 } };
  await using engine = new RuntimeEngine({
    isolation: "thread",
    telemetry: { tracer: collector.tracer },
    setup: [setupDefaults({ env: {}, chat: { ...server.settings, apiKey: "sk-secret", prices } })],
  });
  await engine.start();
  return { outcome: await engine.runScript({ code }), spans: await collector.collect() };
}

it("a request to a server says where that is, which model answered, and what it cost", async () => {
  server.play({ text: "fine", usage: { prompt_tokens: 10, completion_tokens: 2 } });
  const { outcome, spans } = await run(`await chat("hello")`);
  expect(outcome.ok).toBe(true);
  const span = spans.find(({ name }) => name === "chat scripted")!;
  expect(span.kind).toBe(3);
  expect(span.attributes).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "scripted",
    "gen_ai.response.model": "scripted-2026",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 2,
    "server.address": "127.0.0.1",
    "server.port": Number(new URL(server.settings.baseURL!).port),
    "geppetto.usage.cost": 0.02,
  });
  expect(span.attributes["gen_ai.response.time_to_first_chunk"]).toBeGreaterThan(0);
  expect(JSON.stringify(spans)).not.toContain("sk-secret");
});

it("a request that is cancelled ends its span, and closes its connection", async () => {
  server.play({ text: "a beginning", hangs: true });
  const { spans } = await run(`const step = new ChatStepFactory().newStep();
    await new Promise((resolve) => {
      const id = step.runWithEvents("hello", ({ type }) => {
        if (type === "partial") step.cancel(id);
        if (type === "interrupt") resolve();
      });
    });`);
  expect(treeOf(spans)).toEqual(["script script.js", "  step chat !ERR_ABORTED", "    chat scripted !ERR_ABORTED"]);
  await expect.poll(() => server.closedByClient).toBe(1);
});
