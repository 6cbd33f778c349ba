import type { EnginePool, ScriptOutcome } from "geppetto-js";

/** What the service counts, in the text format of Prometheus. */
export class Metrics {
  readonly #pool: EnginePool;
  readonly #ends = new Map<string, number>();
  #toolCalls = 0;
  #cpuMs = 0;

  constructor(pool: EnginePool) {
    this.#pool = pool;
  }

  noteToolCall(): void {
    this.#toolCalls++;
  }

  noteOutcome({ end, stats }: Pick<ScriptOutcome, "end" | "stats">): void {
    this.#ends.set(end, (this.#ends.get(end) ?? 0) + 1);
    this.#cpuMs += stats.cpuMs;
  }

  toString(): string {
    const { running, waiting, tenants } = this.#pool.stats();
    return [
      ...[...this.#ends].map(([end, count]) => `scripts_total{end="${end}"} ${count}`),
      `scripts_running ${running}`,
      `scripts_waiting ${waiting}`,
      `tenants_active ${tenants}`,
      `tool_calls_total ${this.#toolCalls}`,
      `cpu_seconds_total ${this.#cpuMs / 1_000}`,
      "",
    ].join("\n");
  }
}
