/**
 * Names and values of OpenTelemetry's conventions for generative AI, as published in open-telemetry/semantic-conventions-genai
 * (model/gen-ai, stability "development"). Those that begin with `geppetto.` are our own: what the conventions have no name for.
 */
export const ATTRIBUTES = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  requestModel: "gen_ai.request.model",
  maxTokens: "gen_ai.request.max_tokens",
  temperature: "gen_ai.request.temperature",
  topP: "gen_ai.request.top_p",
  stop: "gen_ai.request.stop_sequences",
  seed: "gen_ai.request.seed",
  stream: "gen_ai.request.stream",
  outputType: "gen_ai.output.type",
  responseId: "gen_ai.response.id",
  responseModel: "gen_ai.response.model",
  finishReasons: "gen_ai.response.finish_reasons",
  timeToFirstChunk: "gen_ai.response.time_to_first_chunk",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  cacheReadTokens: "gen_ai.usage.cache_read.input_tokens",
  cacheCreationTokens: "gen_ai.usage.cache_creation.input_tokens",
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
  dimensions: "gen_ai.embeddings.dimension.count",
  tokenType: "gen_ai.token.type",
  toolName: "gen_ai.tool.name",
  toolCallId: "gen_ai.tool.call.id",
  toolDescription: "gen_ai.tool.description",
  toolType: "gen_ai.tool.type",
  /** Contents: told only where somebody asks for them. */
  systemInstructions: "gen_ai.system_instructions",
  inputMessages: "gen_ai.input.messages",
  outputMessages: "gen_ai.output.messages",
  toolArguments: "gen_ai.tool.call.arguments",
  toolResult: "gen_ai.tool.call.result",
  errorType: "error.type",
  serverAddress: "server.address",
  serverPort: "server.port",

  cost: "geppetto.usage.cost",
  tenant: "geppetto.tenant",
  runId: "geppetto.run.id",
  scriptName: "geppetto.script.name",
  scriptEnd: "geppetto.script.end",
  stepType: "geppetto.step.type",
  stepId: "geppetto.step.id",
  opName: "geppetto.op.name",
} as const;

export const OPERATIONS = { chat: "chat", embeddings: "embeddings", tool: "execute_tool" } as const;

/** What `error.type` is where no better word is known, or too many would be. */
export const OTHER = "_OTHER";

export type MetricName = keyof typeof METRICS;

/** The metrics, with the boundaries of buckets that the conventions recommend. */
export const METRICS = {
  tokens: {
    name: "gen_ai.client.token.usage",
    kind: "histogram",
    unit: "{token}",
    help: "Number of input and output tokens used.",
    buckets: [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864],
  },
  operation: {
    name: "gen_ai.client.operation.duration",
    kind: "histogram",
    unit: "s",
    help: "GenAI operation duration.",
    buckets: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
  },
  script: {
    name: "geppetto.script.duration",
    kind: "histogram",
    unit: "s",
    help: "How long scripts ran.",
    buckets: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
  },
  engines: {
    name: "geppetto.engine.active",
    kind: "gauge",
    unit: "{engine}",
    help: "Engines that are started and not closed.",
  },
  running: { name: "geppetto.pool.running", kind: "gauge", unit: "{script}", help: "Scripts that run in a pool." },
  waiting: {
    name: "geppetto.pool.waiting",
    kind: "gauge",
    unit: "{script}",
    help: "Scripts that wait in the queue of a pool.",
  },
} as const satisfies Readonly<Record<string, MetricDeclaration>>;

export interface MetricDeclaration {
  name: string;
  kind: "histogram" | "gauge";
  unit: string;
  help: string;
  buckets?: readonly number[];
}
