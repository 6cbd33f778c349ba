import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { connect } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { continueTrace } from "../../src/index.ts";
import { hasNatsServer } from "../events/nats-server.ts";
import { treeOf, useCollector } from "../telemetry/collector.ts";
import { WorkerFixture } from "./worker-fixture.ts";

const collector = useCollector();
const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const CODE = `await chat("echo: a"); await execution.sleep(1000); await chat("echo: b");`;

let at: WorkerFixture;

describe.skipIf(!hasNatsServer)("The trace of a script that is submitted", () => {
  beforeEach(async () => {
    at = await WorkerFixture.start();
  });
  afterEach(() => at[Symbol.asyncDispose]());

  it("goes on with its worker, in each attempt, below the span that the app had open", async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const watcher = await connect({ servers: at.server.address });
    const headers: string[] = [];
    watcher.subscribe("geppetto.job.>", { callback: (_, job) => void headers.push(job.headers!.get("traceparent")) });
    await watcher.flush();
    await at.worker({ engine: { telemetry: { tracer: collector.tracer } } });
    const request = collector.tracer.startSpan("POST /jobs");
    const { spanId, traceId } = request.spanContext();
    const execution = await context.with(trace.setSpan(context.active(), request), () => at.submit(CODE));
    request.end();
    expect(await execution.outcome).toMatchObject({ ok: true });
    await watcher.close();
    const spans = await collector.collect();
    expect(treeOf(spans)).toEqual([
      "POST /jobs",
      "  script job.js",
      "    op execution_sleep !ERR_ABORTED",
      "    step chat",
      "      chat demo",
      "  script job.js",
      "    op execution_sleep",
      // It is not asked again.
      "    step chat",
      "    step chat",
      "      chat demo",
    ]);
    expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    // Also when it is put back after its sleep.
    expect(headers.length).toBeGreaterThan(1);
    expect(new Set(headers)).toEqual(new Set([`00-${traceId}-${spanId}-01`]));
  });

  it("is that of whoever is carried on, and nobody's where there is none", async () => {
    await at.worker({ engine: { telemetry: { tracer: collector.tracer } } });
    const carried = await continueTrace({ traceparent: PARENT }, () => at.submit("1"));
    await carried.outcome;
    const [first] = await collector.collect();
    expect(first).toMatchObject({ traceId: PARENT.split("-")[1], parentSpanId: PARENT.split("-")[2] });
    await (
      await at.submit("1")
    ).outcome;
    const [second] = await collector.collect();
    expect(second).toMatchObject({ name: "script job.js", parentSpanId: "" });
  });
});
