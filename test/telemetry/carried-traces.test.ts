import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { decodeMessage, METADATA_HEADER, traceHeadersIn } from "../../src/events/nats/nats-codec.ts";
import {
  continueTrace,
  MemoryPubSub,
  RuntimeEngine,
  setupDefaults,
  traceHeaders,
  type SetupFunction,
} from "../../src/index.ts";
import { treeOf, useCollector } from "./collector.ts";

const collector = useCollector();

const models = setupDefaults({ env: {}, chat: { provider: "embedded", deltaMs: 0 } });
const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async function runTraced(code: string, setup: readonly SetupFunction[] = []): Promise<void> {
  await using engine = new RuntimeEngine({
    isolation: "thread",
    telemetry: { tracer: collector.tracer },
    setup: [models, ...setup],
  });
  await engine.start();
  const { error } = await engine.runScript({ code, name: "a.js" });
  if (error !== undefined) throw new Error(error.message);
}

describe.each(["with", "without"])("%s a context manager, a trace", (manager) => {
  it("goes on in another process, by the metadata of a message", async () => {
    if (manager === "with") context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const bus = new MemoryPubSub();
    const jobs = bus.subscribe<string>("jobs");
    const submit: SetupFunction = (vm) =>
      vm.op("submit", async (code: string) => {
        await Promise.resolve();
        return bus.publish("jobs", code, { metadata: traceHeaders() });
      });
    const [, { value: job }] = await Promise.all([
      runTraced(`await submit('await chat("echo: a")')`, [submit]),
      jobs[Symbol.asyncIterator]().next(),
    ]);
    job!.ack();
    bus.close();
    expect(traceHeaders()).toEqual({});
    await continueTrace(job!.metadata, () => runTraced(job!.payload));
    const spans = await collector.collect();
    expect(treeOf(spans)).toEqual([
      "script a.js",
      "  op submit",
      "    script a.js",
      "      step chat",
      "        chat demo",
    ]);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  });

  it("is that of whoever calls, where headers name one, and nobody's where they name none", async () => {
    if (manager === "with") context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    await continueTrace({ traceparent: PARENT, tracestate: "vendor=1" }, async () => {
      expect(traceHeaders()).toEqual({ traceparent: PARENT, tracestate: "vendor=1" });
      await runTraced("1");
    });
    const [span] = await collector.collect();
    expect(span).toMatchObject({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      parentSpanId: "b7ad6b7169203331",
    });
    for (const traceparent of [
      undefined,
      "",
      "nonsense",
      PARENT.replace("00-", "ff-"),
      PARENT.replace(/[1-9a-f]/g, "0"),
    ]) {
      await continueTrace({ traceparent }, () => runTraced("1"));
      expect((await collector.collect())[0]!.parentSpanId).toBe("");
    }
  });
});

describe("the events of a run", () => {
  it("say on the bus which span they belong to", async () => {
    const bus = new MemoryPubSub();
    const seen: string[] = [];
    const subscription = bus.subscribe("step.*");
    const reading = (async () => {
      for await (const { metadata, ack } of subscription) {
        seen.push(String(metadata["traceparent"]));
        ack();
      }
    })();
    await using engine = new RuntimeEngine({
      isolation: "thread",
      bus,
      telemetry: { tracer: collector.tracer },
      setup: [models],
    });
    await engine.start();
    await engine.runScript({ code: `await chat("echo: a b")` });
    bus.close();
    await reading;
    const step = (await collector.collect()).find(({ name }) => name === "step chat")!;
    expect(new Set(seen)).toEqual(new Set([`00-${step.traceId}-${step.spanId}-01`]));
    expect(seen.length).toBeGreaterThan(3);
  });
});

describe("messages over NATS", () => {
  const decode = (given: MsgHdrs): Readonly<Record<string, string>> =>
    decodeMessage({ data: new TextEncoder().encode("1"), headers: given }).metadata;

  it("bear the trace as headers of their own, where others look for it", () => {
    expect(traceHeadersIn(JSON.stringify({ traceparent: PARENT, tracestate: "a=1", other: "x" }))).toEqual([
      ["traceparent", PARENT],
      ["tracestate", "a=1"],
    ]);
    expect(traceHeadersIn(JSON.stringify({ other: "traceparent" }))).toEqual([]);
    expect(traceHeadersIn(JSON.stringify({ other: '"traceparent":' }))).toEqual([]);
    expect(traceHeadersIn("{}")).toEqual([]);
  });

  it("have it in their metadata, whoever published them", () => {
    const foreign = headers();
    foreign.set("traceparent", PARENT);
    expect(decode(foreign)).toEqual({ traceparent: PARENT });
    const own = headers();
    own.set(METADATA_HEADER, JSON.stringify({ a: "1", traceparent: PARENT }));
    expect(decode(own)).toEqual({ a: "1", traceparent: PARENT });
    expect(decode(headers())).toEqual({});
  });
});
