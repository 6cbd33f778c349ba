// Engine: a realm in which scripts run.
export { processConsole, type ConsoleSink } from "../runtime-setup/console.ts";
export { RuntimeEngine, type RuntimeEngineOptions } from "../runtime-setup/runtime-engine.ts";
export { currentCall, type CallContext } from "./base/call-context.ts";
export type { CloseOptions } from "./base/drain.ts";
export type { Logger } from "./base/logger.ts";
export type { EngineStats, RunScriptOptions } from "./engine/engine-options.ts";
export type { EngineEventsOptions } from "./engine/engine-events.ts";
export type * from "./engine/host-ops.ts";
export type { OnEvent } from "./engine/event-listener.ts";
export type { DeterministicOptions } from "./engine/time/deterministic.ts";
export type { SetupFunction } from "./engine/engine.ts";
export type { Session } from "./engine/session/session.ts";
export type {
  SessionOptions,
  SessionOutcome,
  SessionPlace,
  SessionRunOptions,
} from "./engine/session/session-options.ts";
export { ENGINE_LIMITS, type EngineLimits } from "./engine/limits.ts";
export type { Script } from "./engine/script/load-script.ts";
export { prestartBundler } from "./modules/bundle-script.ts";
export type { PendingWork, ScriptEnd, ScriptError, ScriptOutcome, ScriptStats } from "./engine/script/script-run.ts";
export type { BindingOptions, Definition, Vm } from "./engine/vm.ts";
export { ERROR_CODES, GeppettoError, type ErrorName } from "./shared/errors.ts";

// Telemetry: who hears what engines do, and what carries a trace from one process to the next.
export { continueTrace, traceHeaders } from "./base/telemetry/carry-trace.ts";
export { createMetrics, type Metrics } from "./base/telemetry/metrics.ts";
export type { TelemetryOptions } from "./base/telemetry/open-telemetry.ts";
export type { OtelMeter, OtelTracer } from "./base/telemetry/otel-api.ts";

// Pool: fresh engines for the scripts of several tenants.
export {
  EnginePool,
  type EnginePoolOptions,
  type PoolRunOptions,
  type PoolStats,
  type TenantQuota,
} from "../runtime-setup/engine-pool.ts";

// Setup functions: what an engine gives its scripts.
export { setupChat, type ChatSettings } from "../runtime-setup/chat.ts";
export { setupConversation } from "../runtime-setup/conversation.ts";
export { setupDefaults, type DefaultsSettings } from "../runtime-setup/defaults.ts";
export { setupDoneCallback } from "../runtime-setup/done.ts";
export { setupDoubleStep } from "../runtime-setup/double-step.ts";
export { setupEmbeddings, type ProviderSettings } from "../runtime-setup/embeddings.ts";
export { setupFetch, type FetchSettings } from "../runtime-setup/fetch.ts";
export type { AnswerHead, FetchAnswer, FetchSource } from "./fetch/fetch-source.ts";
export type { FetchRequest } from "./fetch/fetch-request.ts";
export { setupSubScripts } from "../runtime-setup/sub-scripts/sub-scripts.ts";
export type { Lookup } from "./fetch/guarded-agent.ts";
export type { Secret } from "./fetch/secrets.ts";
export { declareMcpServers } from "./mcp/declare-servers.ts";
export { setupMcp, type McpSettings, type McpSetup } from "../runtime-setup/mcp/mcp.ts";
export type { ElicitationAnswer, McpElicitation } from "./mcp/elicitation.ts";
export type { McpQuestion, McpServerName, McpSource, McpToolCall } from "./mcp/mcp-source.ts";
export type { HttpServer, McpServer, StdioServer } from "./mcp/server-settings.ts";
export { setupPipeline, type CreateStage, type PipelineSettings } from "../runtime-setup/pipeline.ts";
export { setupSteps } from "../runtime-setup/steps.ts";
export { setupTools, type ToolSetup } from "../runtime-setup/tools.ts";

// The sandbox as a tool: code that a model writes.
export { type AiSdkTool, toAiSdk } from "./code-tool/adapters/to-ai-sdk.ts";
export { type ClaudeAgentTool, toClaudeAgent } from "./code-tool/adapters/to-claude-agent.ts";
export { type LangChainTool, toLangChain } from "./code-tool/adapters/to-lang-chain.ts";
export { type OpenAIAgentsTool, toOpenAIAgents } from "./code-tool/adapters/to-openai-agents.ts";
export { codeTool, type CodeTool } from "./code-tool/code-tool.ts";
export type { CodeProgress } from "./code-tool/code-progress.ts";
export {
  type CodeError,
  type CodePlace,
  type CodeProblem,
  type CodeResult,
  type CodeUsage,
  resultText,
} from "./code-tool/code-result.ts";
export type {
  CodeFunction,
  CodeInput,
  CodeToolOptions,
  ExecuteOptions,
  RunBounds,
} from "./code-tool/code-tool-options.ts";
export type { CatalogueEntry, ToolCatalogue } from "./code-tool/tool-catalogue.ts";

// Steps: what scripts can start, and how a host app makes its own.
export {
  type ChatStepInput,
  createChatStep,
  createEmbeddingsStep,
  type EmbeddingsStep,
} from "../runtime-setup/model-steps.ts";
export { createWatermillStepObject, registerStep } from "./engine/register-step.ts";
export type { StepBindingOptions, StepObject } from "./engine/step-object.ts";
export { bind } from "./steps/bind.ts";
export type { AfterToolAnswer, BeforeToolAnswer, HookContext, ToolHooks, ToolOutcomeSeen } from "./steps/chat-hooks.ts";
export type { HostTool } from "./steps/chat-tool.ts";
export type { ApproveCall } from "./steps/chat-tools.ts";
export type { AnswerMessage } from "./steps/chat-message.ts";
export type { Converter } from "./steps/converter.ts";
export { defineStep, type DefinedStep, type StepDefinition } from "./steps/define-step.ts";
export type { Result, StartContext, Step, StepContext, StepEmission, StepResult, StepSource } from "./steps/step.ts";

// Events: what runs publish, and the bus that carries it.
export type { Bus, BusMessage, Subscription } from "./events/bus.ts";
export { MemoryPubSub } from "./events/memory-pub-sub.ts";
export type * from "./shared/chat-messages.ts";
export type * from "./shared/step-events.ts";

// Models: providers of chats and embeddings, and what they may cost.
export { Budget, type BudgetLimits, type Spending } from "./providers/cost/budget.ts";
export { aiSdk, type AiSdkOptions } from "./providers/ai-sdk/ai-sdk.ts";
export type { AiSdkModel } from "./providers/ai-sdk/ai-sdk-model.ts";
export type { ChatChunk, ChatProvider, ChatRequest, OneModelChat, StreamOptions } from "./providers/chat-provider.ts";
export { createEmbeddingProvider } from "./providers/create-embedding-provider.ts";
export { ScriptedChat, type ScriptedTurn, type ScriptedTurnSource } from "./providers/embedded/scripted-chat.ts";
export type { EmbeddingProvider } from "./providers/embedding-provider.ts";
export type { Price, PriceTable } from "./providers/cost/price-table.ts";
export { EmbeddingReranker, type RankedDocument, type RankOptions, type Reranker } from "./providers/reranker.ts";
export type { ChatModelSettings, ModelSettings } from "./providers/settings.ts";

// Executions that last, and the journals in which they are kept.
export type * from "./journal/executions/journal.ts";
export { MemoryJournal, type MemoryJournalOptions } from "./journal/executions/memory-journal.ts";
export { SqliteJournal, type SqliteJournalOptions } from "./journal/executions/sqlite/sqlite-journal.ts";

// Recordings: caches, cassettes and the log of runs.
export * from "./recordings/index.ts";

// Permissions: what scripts may use of the host's.
export { flagFor, type PermissionKind } from "./permissions/flag-for.ts";
export type { PermissionOptions, Permissions, PermissionUse } from "./permissions/permissions.ts";
