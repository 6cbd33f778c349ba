// A host app whose scripts are traced: spans go by OTLP to a collector, here a small one of our own that prints them as a tree.
// Build first (npm run build), then: node examples/host/04-telemetry.ts
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { createMetrics, EnginePool, setupDefaults, type Vm } from "geppetto-js";

interface Span {
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  status?: { code?: number };
}

/** The collector: takes OTLP over HTTP in JSON. */
const spans: Span[] = [];
const collector = createServer((request, response) => {
  void collect(request).then(() => response.setHeader("content-type", "application/json").end("{}"));
}).listen(0, "127.0.0.1");
await once(collector, "listening");

async function collect(request: IncomingMessage): Promise<void> {
  const body = JSON.parse(await text(request)) as {
    resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
  };
  for (const { scopeSpans } of body.resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
}

// What every traced app sets up once. Most of them leave it to @opentelemetry/sdk-node.
const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`;
const provider = new TracerProvider({
  spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) })],
});
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const tracer = trace.getTracer("shop");

/** An op of the app's, with a span of the app's own below it. */
async function setupShop(vm: Vm): Promise<void> {
  await vm.op("shop.inStock", async () =>
    tracer.startActiveSpan("SELECT stock", async (span) => {
      span.end();
      return 12;
    }),
  );
}

const metrics = createMetrics();
const pool = new EnginePool({
  size: 2,
  telemetry: { tracer: true, metrics },
  setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } }), setupShop],
});

const script = `
const stock = { name: "stock", description: "How many there are", input: { type: "object" }, run: () => shop.inStock() };
const agent = new ChatStepFactory().newStep({ tools: [stock] });
await agent.startAsync("call: stock {}");
await chat("error: 429").catch(() => {});`;

await tracer.startActiveSpan("POST /ask", async (span) => {
  await pool.run({ code: script, name: "agent.js" }, { tenant: "anna" });
  span.end();
});
await pool.close();
await provider.shutdown();
collector.close();

const print = (parent: string, depth: number): void => {
  const own = spans.filter(({ parentSpanId = "" }) => parentSpanId === parent);
  for (const { spanId, name, status } of own.sort((a, b) => (a.startTimeUnixNano < b.startTimeUnixNano ? -1 : 1))) {
    console.log(`${"  ".repeat(depth)}${name}${status?.code === 2 ? " (failed)" : ""}`);
    print(spanId, depth + 1);
  }
};
print("", 0);
console.log(/^geppetto_script_duration_seconds_count.*$/m.exec(metrics.text())?.[0]);
