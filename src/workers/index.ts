// The same execution on many machines, over a NATS server.
export { NatsJournal, type NatsAccess, type NatsJournalOptions } from "../journal/executions/nats/nats-journal.ts";
export { isNatsAddress } from "../journal/executions/nats/nats-options.ts";
export type { FollowedEvent, FollowedItem } from "./followed-item.ts";
export { queuedExecutions, type QueuedExecution } from "./queued-executions.ts";
export {
  openExecution,
  resubmit,
  submit,
  type FollowExecutionOptions,
  type SubmitOptions,
  type SubmittedExecution,
} from "./submit.ts";
export type { WorkerOptions, WorkerStats } from "./worker-options.ts";
export { Worker } from "./worker.ts";
