import { GeppettoError } from "../../shared/errors.ts";
import { MAX_TIMER_MS } from "../../shared/limits.ts";

interface ConfigValues {
  channelBufferSize: number;
  priorityQueue: boolean;
  executionTimeoutMs: number;
  idleTimeoutMs: number;
  gracefulShutdownTimeoutMs: number;
  maxConcurrentExecutions: number;
  metrics: boolean;
  tracing: boolean;
}

const DEFAULTS: ConfigValues = {
  channelBufferSize: 16,
  priorityQueue: false,
  executionTimeoutMs: 0,
  idleTimeoutMs: 0,
  gracefulShutdownTimeoutMs: 10_000,
  maxConcurrentExecutions: 100,
  metrics: false,
  tracing: false,
};

/**
 * How a pipeline executes. Each `with…` gives a changed copy; what is wrong is said by the builder's `build()`, with all
 * else that is.
 *
 * @example
 * const config = new PipelineConfig().withChannelBufferSize(32).withExecutionTimeout(60_000);
 * config.channelBufferSize; // 32
 */
export class PipelineConfig {
  /** Elements that may wait before a stage; as many may be in its hands. Default 16. */
  readonly channelBufferSize: number;
  /** Do urgent elements overtake others that wait? Default no. */
  readonly priorityQueue: boolean;
  /** Longest time of one execution, in milliseconds; default 0: no limit. */
  readonly executionTimeoutMs: number;
  /** Longest time in which no element moves at all, in milliseconds; default 0: no limit. */
  readonly idleTimeoutMs: number;
  /** How long stages may take to end, when they are told to, before the run goes on without them; default 10,000 ms. */
  readonly gracefulShutdownTimeoutMs: number;
  /** Executions of one pipeline at a time; others wait. Default 100. */
  readonly maxConcurrentExecutions: number;
  /** Is waiting told from working, for `metrics()`? Default no: elements alone are counted. */
  readonly metrics: boolean;
  /** Does each element note where it has been, and when? Default no. */
  readonly tracing: boolean;

  constructor(values: Partial<ConfigValues> = {}) {
    const merged = { ...DEFAULTS, ...values };
    this.channelBufferSize = merged.channelBufferSize;
    this.priorityQueue = merged.priorityQueue;
    this.executionTimeoutMs = merged.executionTimeoutMs;
    this.idleTimeoutMs = merged.idleTimeoutMs;
    this.gracefulShutdownTimeoutMs = merged.gracefulShutdownTimeoutMs;
    this.maxConcurrentExecutions = merged.maxConcurrentExecutions;
    this.metrics = merged.metrics;
    this.tracing = merged.tracing;
  }

  withChannelBufferSize(size: number): PipelineConfig {
    return this.#with({ channelBufferSize: size });
  }

  withPriorityQueue(enabled: boolean): PipelineConfig {
    return this.#with({ priorityQueue: enabled });
  }

  /** Milliseconds; 0 for no limit. */
  withExecutionTimeout(ms: number): PipelineConfig {
    return this.#with({ executionTimeoutMs: ms });
  }

  /** Milliseconds; 0 for no limit. */
  withIdleTimeout(ms: number): PipelineConfig {
    return this.#with({ idleTimeoutMs: ms });
  }

  /** Milliseconds. */
  withGracefulShutdownTimeout(ms: number): PipelineConfig {
    return this.#with({ gracefulShutdownTimeoutMs: ms });
  }

  withMaxConcurrentExecutions(count: number): PipelineConfig {
    return this.#with({ maxConcurrentExecutions: count });
  }

  withMetrics(enabled: boolean): PipelineConfig {
    return this.#with({ metrics: enabled });
  }

  withTracing(enabled: boolean): PipelineConfig {
    return this.#with({ tracing: enabled });
  }

  #with(change: Partial<ConfigValues>): PipelineConfig {
    return new PipelineConfig({ ...Object.fromEntries(Object.entries(this)), ...change });
  }
}

/** What is wrong with a configuration, one line each. */
export function problemsOfConfig(config: PipelineConfig): string[] {
  if (!(config instanceof PipelineConfig))
    return ["its configuration must be a PipelineConfig: make one with new PipelineConfig()"];
  const problems: string[] = [];
  const check = (name: keyof ConfigValues, least: number): void => {
    const value = config[name];
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= MAX_TIMER_MS) return;
    problems.push(`${name} must be a whole number from ${least} to ${MAX_TIMER_MS}, got ${String(value)}`);
  };
  check("channelBufferSize", 1);
  check("maxConcurrentExecutions", 1);
  for (const name of ["executionTimeoutMs", "idleTimeoutMs", "gracefulShutdownTimeoutMs"] as const) check(name, 0);
  for (const name of ["priorityQueue", "metrics", "tracing"] as const) {
    if (typeof config[name] !== "boolean") problems.push(`${name} must be true or false, got ${String(config[name])}`);
  }
  return problems;
}

/** @throws {GeppettoError} ConfigError with all that is wrong with a pipeline. */
export function refuse(problems: readonly string[]): never {
  const [first] = problems;
  const text = problems.length === 1 ? `: ${first}` : `:\n- ${problems.join("\n- ")}`;
  throw new GeppettoError("ConfigError", `Cannot build the pipeline${text}`, { code: "ERR_PIPELINE" });
}
