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
export { ENGINE_LIMITS, type EngineLimits } from "./engine/limits.ts";
export type { Script } from "./engine/script/load-script.ts";
export { prestartBundler } from "./modules/bundle-script.ts";
export type { PendingWork, ScriptEnd, ScriptError, ScriptOutcome, ScriptStats } from "./engine/script/script-run.ts";
export type { BindingOptions, Definition, Vm } from "./engine/vm.ts";
export { ERROR_CODES, GeppettoError, type ErrorName } from "./shared/errors.ts";

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
export { setupPipeline, type CreateStage, type PipelineSettings } from "../runtime-setup/pipeline.ts";
export { setupSteps } from "../runtime-setup/steps.ts";
export { setupTools, type ToolSetup } from "../runtime-setup/tools.ts";

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
export type { ApproveCall, HostTool } from "./steps/chat-tools.ts";
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
export type { ChatChunk, ChatProvider, ChatRequest, StreamOptions } from "./providers/chat-provider.ts";
export { createEmbeddingProvider } from "./providers/create-embedding-provider.ts";
export { ScriptedChat, type ScriptedTurn, type ScriptedTurnSource } from "./providers/embedded/scripted-chat.ts";
export type { EmbeddingProvider } from "./providers/embedding-provider.ts";
export type { Price, PriceTable } from "./providers/cost/price-table.ts";
export { EmbeddingReranker, type RankedDocument, type RankOptions, type Reranker } from "./providers/reranker.ts";
export type { ModelSettings } from "./providers/settings.ts";

// Recordings: caches, cassettes and the log of runs.
export * from "./recordings/index.ts";

// Permissions: what scripts may use of the host's.
export { flagFor, type PermissionKind } from "./permissions/flag-for.ts";
export type { PermissionOptions, Permissions, PermissionUse } from "./permissions/permissions.ts";
