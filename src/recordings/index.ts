export { cacheStep, type CacheStepOptions, RecordingRoom } from "./cache/cache-step.ts";
export { chatCacheKey, inputCacheKey, type CacheKey } from "./cache/cache-key.ts";
export type { CachedPart, CachedState, CacheEntry, CacheStore } from "./cache/cache-store.ts";
export { MemoryCacheStore, type MemoryCacheStoreOptions } from "./cache/memory-cache-store.ts";
export { DiskCacheStore, type DiskCacheStoreOptions } from "./cache/disk-cache-store.ts";
export { Cassette, type CassetteOptions } from "./cassette/cassette.ts";
export type {
  ChatRecording,
  EmbeddingRecording,
  FetchRecording,
  Finished,
  McpRecording,
  Recording,
  RecordingSink,
} from "./cassette/recording.ts";
export type { RecordedRequest, RequestDefaults } from "./cassette/recorded-request.ts";
export { recordingProvider, type RecordingOptions } from "./cassette/recording-provider.ts";
export { recordingEmbeddings, replayingEmbeddings } from "./cassette/recording-embeddings.ts";
export { recordingFetch } from "./cassette/recording-fetch.ts";
export { replayingFetch, type FetchReplayOptions } from "./cassette/replaying-fetch.ts";
export { recordingMcp } from "./cassette/recording-mcp.ts";
export { replayingMcp, type McpReplayOptions } from "./cassette/replaying-mcp.ts";
export { replayingProvider, type ReplayOptions } from "./cassette/replaying-provider.ts";
export { redactorFor, redactSecrets, type Redact } from "./redact-secrets.ts";
export { RunLog, type RunLogOptions, type RunStart } from "./run-log/run-log.ts";
export type { ListRunsOptions, LoggedItem, RunRecord, RunSummary } from "./run-log/run-reader.ts";
export { withBoundedCompletions } from "./run-log/bounded-completions.ts";
export type { FollowedItem } from "./run-log/follow-run.ts";
export type { LoggedJournal } from "./run-log/journal-table.ts";
export type { EndOptions, LoggedCall, LoggedOutcome, LoggedRun } from "./run-log/logged-run.ts";
export type { ModelCall, ModelToolCall } from "./run-log/model-calls.ts";
export type { OutputStream } from "./run-log/output-buffer.ts";
export type { RunState } from "./run-log/read-rows.ts";
export { countUsage, type RunUsage } from "./run-log/run-usage.ts";
