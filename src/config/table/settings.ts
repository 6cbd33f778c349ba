import type { Setting } from "./setting.ts";

/** What chats and embeddings have in common. */
const MODEL = {
  provider: { kind: "provider", default: "embedded", help: "the provider that answers" },
  model: { kind: "text", boundTo: "provider", help: "the model, by its name at the provider" },
  apiKey: { kind: "secret", boundTo: "endpoint", saidBy: "folder", help: "the key, by reference" },
  baseURL: {
    kind: "url",
    boundTo: "endpoint",
    saidBy: "folder",
    help: "the server's address, if not the vendor's own",
  },
  headers: {
    kind: "headers",
    merge: "by key",
    boundTo: "endpoint",
    saidBy: "folder",
    help: "headers of every request; their values may be key:NAME",
  },
  headerTimeoutMs: { kind: "milliseconds", implied: "60s", help: "longest wait for an answer to begin" },
  idleTimeoutMs: { kind: "milliseconds", implied: "120s", help: "longest pause within an answer" },
} as const satisfies Readonly<Record<string, Setting>>;

/**
 * Every setting, by its path in `geppetto.yaml`, `--set` and a script's `options`. All that is said of a setting is said
 * here: the command line's flags and their help, the `GEPPETTO_…` variables, how files are read and layers merged, what
 * errors advise and the table of the documentation are made from it. It is data alone, so that every floor may read it.
 */
export const SETTINGS = {
  "chat.provider": MODEL.provider,
  "chat.model": MODEL.model,
  "chat.apiKey": MODEL.apiKey,
  "chat.baseURL": MODEL.baseURL,
  "chat.headers": MODEL.headers,
  "chat.headerTimeoutMs": MODEL.headerTimeoutMs,
  "chat.idleTimeoutMs": MODEL.idleTimeoutMs,
  "chat.api": {
    kind: ["chat", "responses"],
    implied: "chat",
    boundTo: "provider",
    help: "which of OpenAI's two interfaces is used",
  },
  "chat.temperature": { kind: "temperature", help: "randomness of the answers; 0 for the least" },
  "chat.maxTokens": { kind: "count", help: "most tokens of one answer" },
  "chat.topP": { kind: "fraction", help: "nucleus sampling: the share of the likeliest tokens that are sampled" },
  "chat.stop": { kind: "texts", help: "texts at which an answer ends" },
  "chat.seed": { kind: "integer", help: "seed of the sampling, for providers that take one" },
  "chat.system": { kind: "text", help: "the system prompt" },
  "chat.reasoning.effort": {
    inside: "chat.reasoningEffort",
    kind: ["none", "minimal", "low", "medium", "high", "xhigh", "max"],
    help: "how much the model thinks before it answers",
  },
  "chat.reasoning.budgetTokens": {
    inside: "chat.reasoningBudgetTokens",
    kind: "count",
    help: "most tokens of reasoning, for models that take a number",
  },
  "chat.maxTokensField": {
    kind: ["max_tokens", "max_completion_tokens"],
    boundTo: "provider",
    help: "the field of a request that holds maxTokens, for servers that know only one",
  },
  "chat.streamUsage": {
    kind: "boolean",
    implied: "true",
    boundTo: "provider",
    help: "ask for token counts; false for servers that refuse stream_options",
  },
  "chat.deltaMs": { kind: "milliseconds", implied: "15ms", help: "pause of the demo model before each word" },

  "embeddings.provider": MODEL.provider,
  "embeddings.model": MODEL.model,
  "embeddings.apiKey": MODEL.apiKey,
  "embeddings.baseURL": MODEL.baseURL,
  "embeddings.headers": MODEL.headers,
  "embeddings.headerTimeoutMs": MODEL.headerTimeoutMs,
  "embeddings.idleTimeoutMs": MODEL.idleTimeoutMs,
  "embeddings.dimensions": { kind: "count", boundTo: "provider", help: "length of the vectors" },
  "embeddings.batchSize": { kind: "count", implied: "256", help: "texts in one request" },
  "embeddings.maxConcurrency": { kind: "count", implied: "4", help: "requests at once" },
  "embeddings.cacheEntries": { kind: "countOrNone", implied: "1000", help: "vectors kept in memory; 0 for none" },
  "embeddings.cacheFolder": { kind: "text", saidBy: "user", help: "a folder in which vectors are kept" },

  "limits.timeout": {
    inside: "limits.wallMs",
    kind: "duration",
    default: "10m",
    merge: "minimum",
    flag: { name: "--timeout", takes: "<time>", group: "Limits" },
    help: "longest time of the script: 60s, 500ms, 2m",
  },
  "limits.cpu": {
    inside: "limits.cpuMs",
    kind: "duration",
    implied: "no limit",
    merge: "minimum",
    flag: { name: "--cpu", takes: "<time>", group: "Limits" },
    help: "longest time that the script may compute, such as 10s; waiting is free",
  },
  "limits.memory": {
    inside: "limits.memoryMB",
    kind: "size",
    default: "128MB",
    merge: "minimum",
    flag: { name: "--memory", takes: "<size>", group: "Limits" },
    help: "largest heap of the script",
  },
  "limits.maxCalls": {
    kind: "count",
    implied: "no limit",
    merge: "minimum",
    flag: { name: "--max-calls", takes: "<count>", group: "Limits" },
    help: "most requests to models",
  },
  "limits.maxTokens": {
    kind: "count",
    implied: "no limit",
    merge: "minimum",
    flag: { name: "--max-tokens", takes: "<count>", group: "Limits" },
    help: "most tokens in and out, of all requests together",
  },
  "limits.maxCost": {
    kind: "amount",
    implied: "no limit",
    merge: "minimum",
    flag: { name: "--max-cost", takes: "<dollars>", group: "Limits" },
    help: "most US dollars that all requests together may cost",
  },
  "limits.concurrency": {
    kind: "count",
    implied: "no limit",
    merge: "minimum",
    flag: { name: "--concurrency", takes: "<count>", group: "Limits" },
    help: "most requests to models at once; more wait",
  },

  "permissions.read": {
    kind: "files",
    merge: "subset",
    flag: { name: "--allow-read", takes: "[paths]", group: "Permissions" },
    help: "files and folders that the script may read beside its own folder; without a value, any",
  },
  "permissions.net": {
    kind: "hosts",
    merge: "subset",
    flag: { name: "--allow-net", takes: "[hosts]", group: "Permissions" },
    help: "hosts that fetch may ask, and whose http: URLs, or private addresses, a model may be handed; without a value, all public ones",
  },
  "permissions.env": {
    kind: "variables",
    merge: "subset",
    flag: { name: "--allow-env", takes: "<names>", group: "Permissions" },
    help: "variables of your shell that the script may see in process.env",
  },
  "permissions.import": {
    kind: "modules",
    merge: "subset",
    flag: { name: "--allow-import", takes: "[modules]", group: "Permissions" },
    help: "packages by name, and files and folders as ./path, that the script may import from beside its own folder; without a value, any",
  },
  "permissions.mcp": {
    kind: "servers",
    merge: "subset",
    flag: { name: "--allow-mcp", takes: "<names>", group: "Permissions" },
    help: "MCP servers of the configuration whose tools the script may use, by name",
  },

  "retry.attempts": {
    kind: "count",
    implied: "3",
    help: "requests in all, where one fails for a reason that may pass",
  },
  "retry.baseMs": { kind: "milliseconds", implied: "500ms", help: "first pause; it doubles after each attempt" },
  "retry.maxMs": {
    kind: "milliseconds",
    implied: "8s",
    help: "longest pause, unless the provider asks for a longer one",
  },

  "tools.approve": {
    kind: ["ask", "never", "always"],
    implied: "always",
    merge: { strictestFirst: ["never", "ask", "always"] },
    flag: { name: "--approve", takes: "<when>", group: "Limits" },
    help: "may a model call tools: always, never, or ask you before each call",
  },
  "tools.timeoutMs": {
    inside: "tools.toolTimeoutMs",
    kind: "milliseconds",
    implied: "60s",
    help: "longest time of one tool call",
  },

  "thresholds.calls": {
    kind: "countThreshold",
    merge: "all",
    help: "requests to models, each round of tools and the embedded models included",
  },
  "thresholds.tokens": { kind: "countThreshold", merge: "all", help: "tokens in and out, of all these requests" },
  "thresholds.cost": { kind: "amountThreshold", merge: "all", help: "US dollars that all these requests cost" },
  "thresholds.duration": { kind: "timeThreshold", merge: "all", help: "how long the script ran" },
  "thresholds.step.duration": { kind: "timesThreshold", merge: "all", help: "how long each run of a step took" },
  "thresholds.step.errors": { kind: "countThreshold", merge: "all", help: "runs of steps that failed" },
  "thresholds.tool.calls": { kind: "countThreshold", merge: "all", help: "tool calls of models" },
  "durable.suspendAfter": {
    inside: "durable.suspendAfterMs",
    kind: "pause",
    default: "5s",
    help: "how far away what a durable script waits for must be for it to be suspended; 0s: it always is",
  },

  prices: {
    kind: "prices",
    merge: "by key",
    saidBy: "user",
    help: "what tokens cost, by model, where the list prices do not hold; * at the end of a name stands for the rest of it",
  },
  secrets: {
    kind: "secrets",
    merge: "by key",
    saidBy: "user",
    help: "what scripts can have sent in headers to some hosts, and never see, by name",
  },
  mcp: {
    kind: "mcpServers",
    merge: "by key",
    saidBy: "user",
    help: "MCP servers whose tools scripts may use where --allow-mcp names them, by name",
  },
  isolation: {
    kind: ["process", "thread"],
    implied: "process",
    merge: { strictestFirst: ["process", "thread"] },
    flag: { name: "--isolation", takes: "<kind>", group: "Isolation" },
    help: "process gives the script a process of its own; thread does not, and is for scripts that you trust",
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingPath = keyof typeof SETTINGS;

/** The settings that have a flag. */
export type FlagPath = {
  [Path in SettingPath]: (typeof SETTINGS)[Path] extends { flag: object } ? Path : never;
}[SettingPath];
