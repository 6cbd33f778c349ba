/**
 * Facts of OpenTelemetry's semantic conventions for generative AI, copied from the published YAML: open-telemetry/
 * semantic-conventions-genai, model/gen-ai, as of 2026, before its first release (all of it stability "development").
 * - attributes: registry.yaml of commit 002c8a6ea1c8a42b14a4527db83b3cabcded610a
 * - spans: spans.yaml of the same commit
 * - metrics: metrics.yaml of commit 004902b8cb70aa5ae6ca4ae07132b7daabcd3e10
 */
export type ConventionType = "string" | "int" | "double" | "boolean" | "string[]" | "any";

/** Those that we use, with the type that the registry gives them. `error.type` and `server.*` are of the general registry. */
export const PUBLISHED_ATTRIBUTES: Readonly<Record<string, ConventionType>> = {
  "gen_ai.operation.name": "string",
  "gen_ai.provider.name": "string",
  "gen_ai.request.model": "string",
  "gen_ai.request.max_tokens": "int",
  "gen_ai.request.temperature": "double",
  "gen_ai.request.top_p": "double",
  "gen_ai.request.stop_sequences": "string[]",
  "gen_ai.request.seed": "int",
  "gen_ai.request.stream": "boolean",
  "gen_ai.output.type": "string",
  "gen_ai.response.id": "string",
  "gen_ai.response.model": "string",
  "gen_ai.response.finish_reasons": "string[]",
  "gen_ai.response.time_to_first_chunk": "double",
  "gen_ai.usage.input_tokens": "int",
  "gen_ai.usage.output_tokens": "int",
  "gen_ai.usage.cache_read.input_tokens": "int",
  "gen_ai.usage.cache_creation.input_tokens": "int",
  "gen_ai.usage.reasoning.output_tokens": "int",
  "gen_ai.embeddings.dimension.count": "int",
  "gen_ai.token.type": "string",
  "gen_ai.tool.name": "string",
  "gen_ai.tool.call.id": "string",
  "gen_ai.tool.description": "string",
  "gen_ai.tool.type": "string",
  "gen_ai.tool.call.arguments": "any",
  "gen_ai.tool.call.result": "any",
  "gen_ai.system_instructions": "any",
  "gen_ai.input.messages": "any",
  "gen_ai.output.messages": "any",
  "error.type": "string",
  "server.address": "string",
  "server.port": "int",
};

interface PublishedSpan {
  /** What follows the operation in the span's name. */
  nameEndsWith: string;
  required: readonly string[];
  /** Of the groups that the span refers to. */
  known: readonly string[];
}

const COMMON = ["gen_ai.operation.name", "gen_ai.request.model", "error.type"];
const ADDRESS = ["server.address", "server.port"];
const USAGE = [
  "gen_ai.usage.input_tokens",
  "gen_ai.usage.output_tokens",
  "gen_ai.usage.cache_read.input_tokens",
  "gen_ai.usage.cache_creation.input_tokens",
];
const CONTENT = ["gen_ai.system_instructions", "gen_ai.input.messages", "gen_ai.output.messages"];

/** By `gen_ai.operation.name`. */
export const PUBLISHED_SPANS: Readonly<Record<string, PublishedSpan>> = {
  // gen_ai.inference.client
  chat: {
    nameEndsWith: "gen_ai.request.model",
    required: ["gen_ai.operation.name", "gen_ai.provider.name"],
    known: [
      ...COMMON,
      ...ADDRESS,
      ...USAGE,
      ...CONTENT,
      "gen_ai.provider.name",
      "gen_ai.request.max_tokens",
      "gen_ai.request.temperature",
      "gen_ai.request.top_p",
      "gen_ai.request.stop_sequences",
      "gen_ai.request.seed",
      "gen_ai.output.type",
      "gen_ai.request.stream",
      "gen_ai.response.id",
      "gen_ai.response.model",
      "gen_ai.response.finish_reasons",
      "gen_ai.response.time_to_first_chunk",
      "gen_ai.usage.reasoning.output_tokens",
    ],
  },
  // gen_ai.embeddings.client
  embeddings: {
    nameEndsWith: "gen_ai.request.model",
    required: ["gen_ai.operation.name", "gen_ai.provider.name"],
    known: [
      ...COMMON,
      ...ADDRESS,
      "gen_ai.provider.name",
      "gen_ai.usage.input_tokens",
      "gen_ai.embeddings.dimension.count",
      "gen_ai.response.model",
    ],
  },
  // gen_ai.execute_tool.internal
  execute_tool: {
    nameEndsWith: "gen_ai.tool.name",
    required: ["gen_ai.operation.name", "gen_ai.tool.name"],
    known: [
      "error.type",
      "gen_ai.operation.name",
      "gen_ai.tool.name",
      "gen_ai.tool.call.id",
      "gen_ai.tool.description",
      "gen_ai.tool.type",
      "gen_ai.tool.call.arguments",
      "gen_ai.tool.call.result",
    ],
  },
};

const METRIC_LABELS = [...COMMON.slice(0, 2), ...ADDRESS, "gen_ai.response.model", "gen_ai.provider.name"];

export const PUBLISHED_METRICS: Readonly<
  Record<string, { instrument: "histogram"; unit: string; attributes: readonly string[] }>
> = {
  "gen_ai.client.token.usage": {
    instrument: "histogram",
    unit: "{token}",
    attributes: [...METRIC_LABELS, "gen_ai.token.type"],
  },
  "gen_ai.client.operation.duration": {
    instrument: "histogram",
    unit: "s",
    attributes: [...METRIC_LABELS, "error.type"],
  },
};
