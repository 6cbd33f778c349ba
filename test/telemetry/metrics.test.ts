import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { metrics as globalMetrics } from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import { KeptMetrics } from "../../src/base/telemetry/metrics.ts";
import { createMetrics, EnginePool, RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { TestServer } from "../fetch/test-server.ts";
import { PUBLISHED_METRICS } from "./published-conventions.ts";

const models = setupDefaults({ env: {}, chat: { provider: "embedded", deltaMs: 0 } });

function never(): never {
  throw new Error("no");
}

/** The samples of a text exposition, by their whole names; what is not one throws. */
function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("# ")) continue;
    const found = /^([a-zA-Z_][\w]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*\})?) (\S+)$/.exec(line);
    if (found === null || Number.isNaN(Number(found[2]))) throw new Error(`not a sample: ${line}`);
    samples.set(found[1]!, Number(found[2]));
  }
  return samples;
}

describe("metrics in text", () => {
  it("count tokens, times, engines and scripts, without OpenTelemetry", async () => {
    const metrics = createMetrics();
    expect(metrics.text()).toBe("");
    const engine = new RuntimeEngine({ isolation: "thread", telemetry: { metrics }, setup: [models] });
    await engine.start();
    const code = `await chat("echo: a b"); await chat("error: 429").catch(() => {}); await embeddings.generateEmbeddingAsync("x");`;
    expect((await engine.runScript({ code })).ok).toBe(true);
    const samples = samplesOf(metrics.text());
    const labels = `gen_ai_operation_name="chat",gen_ai_provider_name="embedded",gen_ai_request_model="demo"`;
    const answered = `${labels},gen_ai_response_model="demo"`;
    expect(samples.get(`gen_ai_client_token_usage_sum{${answered},gen_ai_token_type="output"}`)).toBe(2);
    expect(samples.get(`gen_ai_client_token_usage_bucket{${answered},gen_ai_token_type="output",le="1"}`)).toBe(0);
    expect(samples.get(`gen_ai_client_token_usage_bucket{${answered},gen_ai_token_type="output",le="4"}`)).toBe(1);
    expect(samples.get(`gen_ai_client_token_usage_bucket{${answered},gen_ai_token_type="output",le="+Inf"}`)).toBe(1);
    expect(samples.get(`gen_ai_client_operation_duration_seconds_count{${answered}}`)).toBe(1);
    expect(samples.get(`gen_ai_client_operation_duration_seconds_count{error_type="ERR_RATE_LIMIT",${labels}}`)).toBe(
      1,
    );
    expect(metrics.text()).toMatch(
      /gen_ai_client_operation_duration_seconds_count\{gen_ai_operation_name="embeddings",.*\} 1\n/,
    );
    expect(samples.get(`geppetto_script_duration_seconds_count{geppetto_script_end="completed"}`)).toBe(1);
    expect(samples.get("geppetto_engine_active")).toBe(1);
    await engine.close();
    expect(samplesOf(metrics.text()).get("geppetto_engine_active")).toBe(0);
  });

  it("say how many scripts of a pool run and wait, also of those that are withdrawn and refused", async () => {
    const metrics = createMetrics();
    const pool = new EnginePool({ size: 1, isolation: "thread", telemetry: { metrics }, setup: [models] });
    const reached = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const hold = pool.run(
      { code: "await hold()" },
      {
        setup: [
          (vm) =>
            vm.op("hold", () => {
              reached.resolve();
              return release.promise;
            }),
        ],
      },
    );
    const withdrawn = new AbortController();
    const waiting = [pool.run({ code: "1" }, { signal: withdrawn.signal }), pool.run({ code: "1" })];
    await reached.promise;
    const now = (): (number | undefined)[] => {
      const samples = samplesOf(metrics.text());
      return ["geppetto_pool_running", "geppetto_pool_waiting", "geppetto_engine_active"].map((name) =>
        samples.get(name),
      );
    };
    expect(now()).toEqual([1, 2, 1]);
    withdrawn.abort();
    await expect(waiting[0]).rejects.toThrow(/abort/);
    expect(now()).toEqual([1, 1, 1]);
    const closing = pool.close();
    await expect(waiting[1]).rejects.toThrow(/closed/);
    release.resolve();
    await hold;
    await closing;
    expect(now()).toEqual([0, 0, 0]);
  });

  it("escape what labels hold, and bound how many there are", async () => {
    const metrics = createMetrics();
    await using engine = new RuntimeEngine({ isolation: "thread", telemetry: { metrics }, setup: [models] });
    await engine.start();
    const { ok } = await engine.runScript({
      code: `const ask = (model) => new ChatStepFactory().newStep({ model }).startAsync("echo: a");
        await ask('a"b\\\\c\\nd{e="f"} 1');
        await ask("x".repeat(10_000) + "\\ud800");
        for (let n = 0; n < 300; n++) await ask("model-" + n);`,
    });
    expect(ok).toBe(true);
    const text = metrics.text();
    const counts = [...samplesOf(text)].filter(([name]) =>
      name.startsWith("gen_ai_client_operation_duration_seconds_count"),
    );
    expect(counts.length).toBeLessThanOrEqual(101);
    expect(counts.reduce((sum, [, count]) => sum + count, 0)).toBe(302);
    expect(text).toContain(String.raw`gen_ai_request_model="a\"b\\c\nd{e=\"f\"} 1"`);
    expect(text).toContain(`gen_ai_request_model="_OTHER"`);
    for (const line of text.split("\n")) expect(line.length).toBeLessThan(1000);
  });

  it("bound their series, whatever the labels", () => {
    const metrics = new KeptMetrics();
    for (let n = 0; n < 5000; n++) metrics.measure("engines", 1, { n: String(n) });
    const samples = samplesOf(metrics.text());
    expect(samples.size).toBe(1001);
    expect(samples.get('geppetto_engine_active{overflow="true"}')).toBe(4000);
  });

  it("are served over HTTP", async () => {
    const metrics = createMetrics();
    const engine = new RuntimeEngine({ isolation: "thread", telemetry: { metrics } });
    await engine.start();
    await using server = await TestServer.start({
      "/metrics": (request, response) => metrics.handler(request, response),
    });
    const url = `${server.url}/metrics`;
    const got = await fetch(url);
    expect([got.status, got.headers.get("content-type")]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    expect(await got.text()).toBe(metrics.text());
    expect((await fetch(url, { method: "HEAD" })).status).toBe(200);
    expect((await fetch(url, { method: "POST" })).status).toBe(405);
    await engine.close();
  });
});

describe("metrics of OpenTelemetry", () => {
  it("have the names, units and attributes of the published conventions", async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 600_000 });
    const provider = new MeterProvider({ readers: [reader] });
    await using engine = new RuntimeEngine({
      isolation: "thread",
      telemetry: { meter: provider.getMeter("test") },
      setup: [models],
    });
    await engine.start();
    await engine.runScript({ code: `await chat("echo: a b"); await chat("error: 429").catch(() => {});` });
    await provider.forceFlush();
    const found = exporter.getMetrics()[0]!.scopeMetrics[0]!.metrics;
    expect(found.map(({ descriptor }) => descriptor.name).sort()).toEqual([
      "gen_ai.client.operation.duration",
      "gen_ai.client.token.usage",
      "geppetto.engine.active",
      "geppetto.script.duration",
    ]);
    for (const [name, { unit, attributes }] of Object.entries(PUBLISHED_METRICS)) {
      const metric = found.find(({ descriptor }) => descriptor.name === name)!;
      expect(metric.descriptor.unit).toBe(unit);
      for (const point of metric.dataPoints) {
        expect(attributes).toEqual(expect.arrayContaining(Object.keys(point.attributes)));
        expect(point.value).toHaveProperty("buckets");
      }
    }
    const [input, output] = found.find(({ descriptor }) => descriptor.name === "gen_ai.client.token.usage")!.dataPoints;
    expect(
      [input, output].map((point) => [point!.attributes["gen_ai.token.type"], (point!.value as { sum: number }).sum]),
    ).toEqual([
      ["input", 3],
      ["output", 2],
    ]);
    await provider.shutdown();
  });

  it("go to the provider that is registered at the time, and tell it where gauges stand", async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 600_000 });
    const provider = new MeterProvider({ readers: [reader] });
    const start = async (): Promise<RuntimeEngine> => {
      const engine = new RuntimeEngine({ isolation: "thread", telemetry: true, setup: [models] });
      await engine.start();
      await engine.runScript({ code: `await chat("echo: a b")` });
      return engine;
    };
    const early = await start();
    globalMetrics.setGlobalMeterProvider(provider);
    try {
      const late = await start();
      await provider.forceFlush();
      const found = exporter.getMetrics()[0]!.scopeMetrics[0]!.metrics;
      expect(found.map(({ descriptor }) => descriptor.name).sort()).toEqual([
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
        "geppetto.engine.active",
        "geppetto.script.duration",
      ]);
      const active = found.find(({ descriptor }) => descriptor.name === "geppetto.engine.active")!;
      expect(active.dataPoints.map(({ value }) => value)).toEqual([2]);
      await late.close();
    } finally {
      await early.close();
      globalMetrics.disable();
      await provider.shutdown();
    }
  });

  it.each([
    ["throw", () => never()],
    ["reject", () => Promise.reject(new Error("no"))],
  ])("that %s change nothing", async (_, fail) => {
    for (const meter of [
      { createHistogram: fail, createUpDownCounter: () => ({ add: fail }) },
      { createHistogram: () => ({ record: fail }), createUpDownCounter: fail },
    ]) {
      await using engine = new RuntimeEngine({ isolation: "thread", telemetry: { meter }, setup: [models] });
      await engine.start();
      expect((await engine.runScript({ code: `await chat("echo: a")` })).ok).toBe(true);
    }
  });
});
