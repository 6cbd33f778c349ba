import type { IncomingMessage, ServerResponse } from "node:http";
import { METRICS, type MetricDeclaration, type MetricName } from "./conventions.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

/** Most series of one metric; what comes after them is not told apart any more. */
const MAX_SERIES = 1000;

interface Series {
  labels: string;
  /** Of a gauge. */
  value: number;
  /** Of a histogram: how many values are at most as large as each boundary, and larger than the one before. */
  counts: number[];
  count: number;
  sum: number;
}

/** Metrics of this process, kept in memory, for those who have no collector. */
export interface Metrics {
  /** All of them in Prometheus's text format, version 0.0.4. */
  text(): string;
  /** Answers a request of `node:http` with the text; other methods than GET and HEAD are refused. */
  handler(request: IncomingMessage, response: ServerResponse): void;
}

const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Metrics that are kept here: give them to engines and pools as `telemetry: { metrics }`, and let Prometheus read them.
 *
 * @example
 * const metrics = createMetrics();
 * const pool = new EnginePool({ telemetry: { metrics } });
 * createServer((request, response) => metrics.handler(request, response)).listen(9464);
 */
export function createMetrics(options: Readonly<Record<string, never>> = {}): Metrics {
  refuseWrong("make metrics", options, {});
  return new KeptMetrics();
}

/** Likewise, with what adds to them. */
export class KeptMetrics implements Metrics {
  readonly #metrics = new Map<MetricName, Map<string, Series>>();

  measure(metric: MetricName, value: number, labels: Readonly<Record<string, string>>): void {
    const declaration: MetricDeclaration = METRICS[metric];
    const series = this.#seriesOf(metric, labels, declaration);
    if (declaration.kind === "gauge") {
      series.value += value;
      return;
    }
    const { buckets = [] } = declaration;
    const at = buckets.findIndex((boundary) => value <= boundary);
    if (at >= 0) series.counts[at]!++;
    series.count++;
    series.sum += value;
  }

  text(): string {
    const lines: string[] = [];
    for (const [metric, all] of this.#metrics) {
      const declaration: MetricDeclaration = METRICS[metric];
      const name = nameOf(declaration);
      lines.push(`# HELP ${name} ${escapeHelp(declaration.help)}`, `# TYPE ${name} ${declaration.kind}`);
      for (const series of all.values()) lines.push(...linesOf(name, declaration, series));
    }
    return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
  }

  handler({ method = "GET" }: IncomingMessage, response: ServerResponse): void {
    if (method !== "GET" && method !== "HEAD") {
      response.writeHead(405, { allow: "GET, HEAD" }).end();
      return;
    }
    response.writeHead(200, { "content-type": CONTENT_TYPE }).end(method === "HEAD" ? undefined : this.text());
  }

  #seriesOf(metric: MetricName, labels: Readonly<Record<string, string>>, { buckets = [] }: MetricDeclaration): Series {
    const all = this.#metrics.get(metric) ?? new Map<string, Series>();
    this.#metrics.set(metric, all);
    const written = Object.entries(labels)
      .map(([name, value]) => `${labelName(name)}="${escapeLabel(value)}"`)
      .sort()
      .join(",");
    const key = all.has(written) || all.size < MAX_SERIES ? written : 'overflow="true"';
    const known = all.get(key) ?? { labels: key, value: 0, counts: buckets.map(() => 0), count: 0, sum: 0 };
    all.set(key, known);
    return known;
  }
}

function linesOf(name: string, { kind, buckets = [] }: MetricDeclaration, series: Series): string[] {
  const { labels, value, counts, count, sum } = series;
  const own = labels === "" ? "" : `{${labels}}`;
  if (kind === "gauge") return [`${name}${own} ${value}`];
  const lead = labels === "" ? "" : `${labels},`;
  let below = 0;
  const cumulative = buckets.map((boundary, at) => {
    below += counts[at]!;
    return `${name}_bucket{${lead}le="${boundary}"} ${below}`;
  });
  return [
    ...cumulative,
    `${name}_bucket{${lead}le="+Inf"} ${count}`,
    `${name}_sum${own} ${sum}`,
    `${name}_count${own} ${count}`,
  ];
}

/** As OpenTelemetry's exporters for Prometheus name them. */
function nameOf({ name, unit }: MetricDeclaration): string {
  return labelName(name) + (unit === "s" ? "_seconds" : "");
}

function labelName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, "_");
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}

function escapeHelp(text: string): string {
  return text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
}
