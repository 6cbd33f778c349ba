import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { context, type Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterAll, afterEach, beforeAll } from "vitest";

/** A span as a collector has it. */
export interface CollectedSpan {
  traceId: string;
  spanId: string;
  /** "" where there is none. */
  parentSpanId: string;
  name: string;
  /** 1 internal, 3 client. */
  kind: number;
  attributes: Record<string, unknown>;
  /** As OTLP names the field that holds each value. */
  types: Record<string, string>;
  isError: boolean;
  statusMessage: string;
  durationMs: number;
}

interface OtlpValue {
  arrayValue?: { values?: OtlpValue[] };
  [type: string]: unknown;
}

interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes?: { key: string; value: OtlpValue }[];
  status?: { code?: number; message?: string };
}

/** A collector of traces that takes OTLP over HTTP in JSON, and an app's way to it. */
export class Collector {
  readonly spans: CollectedSpan[] = [];
  readonly #server: Server;
  #provider: TracerProvider | undefined;

  constructor() {
    this.#server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8");
      request.on("data", (text: string) => (body += text));
      request.on("end", () => {
        this.take(JSON.parse(body));
        response.setHeader("content-type", "application/json").end("{}");
      });
    });
  }

  async start(): Promise<void> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    const exporter = new OTLPTraceExporter({ url: this.url });
    this.#provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`;
  }

  get tracer(): Tracer {
    return this.#provider!.getTracer("test");
  }

  /** The spans that have ended, when all of them have come. */
  async collect(): Promise<CollectedSpan[]> {
    await this.#provider!.forceFlush();
    return this.spans.splice(0);
  }

  async close(): Promise<void> {
    await this.#provider!.shutdown();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  take(body: { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] }): void {
    for (const { scopeSpans } of body.resourceSpans) {
      for (const { spans } of scopeSpans) this.spans.push(...spans.map(toCollected));
    }
  }
}

/** A collector for all tests of a file. After each of them no spans are left in it, and no context manager is set. */
export function useCollector(): Collector {
  const collector = new Collector();
  beforeAll(() => collector.start());
  afterEach(async () => {
    context.disable();
    await collector.collect();
  });
  afterAll(() => collector.close());
  return collector;
}

function toCollected({ attributes = [], status = {}, parentSpanId = "", ...span }: OtlpSpan): CollectedSpan {
  const { traceId, spanId, name, kind, startTimeUnixNano, endTimeUnixNano } = span;
  return {
    traceId,
    spanId,
    parentSpanId,
    name,
    kind,
    attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)])),
    types: Object.fromEntries(attributes.map(({ key, value }) => [key, Object.keys(value)[0]!])),
    isError: status.code === 2,
    statusMessage: status.message ?? "",
    durationMs: Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6,
  };
}

function valueOf(value: OtlpValue): unknown {
  const [[type, inner] = ["", undefined]] = Object.entries(value);
  if (type === "arrayValue") return (value.arrayValue?.values ?? []).map(valueOf);
  return type === "intValue" ? Number(inner) : inner;
}

/** The spans as a tree of names, children below their parents, two spaces deeper; siblings in the order of their names. */
export function treeOf(spans: readonly CollectedSpan[]): string[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const children = Map.groupBy(spans, ({ parentSpanId }) => parentSpanId);
  const lines = (parent: string, depth: number): string[] =>
    (children.get(parent) ?? [])
      .map((span) => {
        const failure = span.isError ? ` !${String(span.attributes["error.type"])}` : "";
        return [`${"  ".repeat(depth)}${span.name}${failure}`, ...lines(span.spanId, depth + 1)];
      })
      .sort((a, b) => (a.join() < b.join() ? -1 : 1))
      .flat();
  const orphans = spans.filter(({ parentSpanId }) => parentSpanId !== "" && !known.has(parentSpanId));
  return [...lines("", 0), ...orphans.map(({ name }) => `orphan: ${name}`)];
}
