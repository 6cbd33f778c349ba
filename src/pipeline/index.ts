export {
  audioElement,
  type AudioData,
  type ContentKind,
  contentOf,
  type ContentPart,
  type ControlKind,
  dataElement,
  type ElementContent,
  type ElementFields,
  elementOf,
  type ElementOf,
  type ElementOptions,
  endOfStreamElement,
  endOfTurnElement,
  errorElement,
  type ImageData,
  imageElement,
  interruptElement,
  isControl,
  messageElement,
  partsElement,
  type PipelineMessage,
  type Priority,
  type StreamElement,
  textElement,
  toolCallElement,
  type TraceHop,
  traceOf,
  type TraceStep,
  type VideoData,
  videoElement,
  withMetadata,
} from "./elements/element.ts";
export type { ElementReader, ElementWriter, Stage, StageContext, StageType, WriteOptions } from "./stage.ts";
export { StageError } from "./stage-error.ts";
export {
  accumulate,
  filter,
  map,
  mapText,
  type Mapped,
  passthrough,
  type ProcessFunction,
  sink,
  source,
  stageFunc,
  type StageOptions,
  take,
} from "./basic-stages.ts";
export {
  broadcastRouter,
  contentRouter,
  hashRouter,
  merge,
  randomRouter,
  roundRobinRouter,
  routeAudio,
  routeContent,
  type RouteFunction,
  router,
  type RouteRule,
  type RouterOptions,
  routeWhen,
  weightedRouter,
} from "./router-stages.ts";
export { type PipelineStepOptions, stageFromStep, stepFromPipeline } from "./step-stages.ts";
export { PipelineConfig } from "./graph/pipeline-config.ts";
export { PipelineBuilder, type StageReference } from "./graph/pipeline-builder.ts";
export { type ExecuteOptions, type PipelineBuilderOptions, StreamPipeline } from "./stream-pipeline.ts";
export type { PipelineInput } from "./run/input-feeder.ts";
export type { PipelineEvent } from "./pipeline-events.ts";
export type { PipelineResult } from "./pipeline-result.ts";
export type { PipelineRun } from "./run/pipeline-run.ts";
export type { StageMetrics } from "./run/stage-run.ts";
export { promptAssembly, type PromptAssemblyOptions } from "./stages/chat/prompt-assembly.ts";
export type { Variables, VariableValue } from "./stages/chat/template.ts";
export { ElementValidationError, validation, type ValidationOptions } from "./stages/validation.ts";
export type { Validator, ValidatorFunction } from "./stages/validators.ts";
export type { LoadOptions, StateStore } from "./stages/state/state-store.ts";
export { MemoryStateStore, type MemoryStateStoreOptions } from "./stages/state/memory-state-store.ts";
export { SqliteStateStore } from "./stages/state/sqlite-state-store.ts";
export {
  stateStoreLoad,
  type StateStoreLoadOptions,
  stateStoreSave,
  type StateStoreSaveOptions,
} from "./stages/state/state-store-stages.ts";
export { provider, type ProviderStageOptions } from "./stages/chat/provider.ts";
export { voiceActivity, type VoiceActivityOptions } from "./stages/speech/voice-activity.ts";
export type { Synthesizer } from "./stages/speech/synthesizer.ts";
export { textToSpeech, type TextToSpeechOptions } from "./stages/speech/text-to-speech.ts";
export { toneGenerator, type ToneGeneratorOptions } from "./stages/speech/tone-generator.ts";
export { openAISpeech } from "./stages/speech/openai-speech.ts";
export type { SpeechOptions, SpeechSettings } from "../providers/openai/openai-speech.ts";
export type { WebSocketLike } from "./stages/socket/socket-connection.ts";
export type { AudioForm } from "./stages/socket/socket-frames.ts";
export {
  webSocketBridge,
  type WebSocketOptions,
  webSocketSink,
  webSocketSource,
} from "./stages/socket/web-socket-bridge.ts";
export { type Middleware, type MiddlewareContext, wrapMiddleware } from "./stages/wrap-middleware.ts";
