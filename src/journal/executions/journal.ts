/** One record of an execution. The journal does not look into its text: a frame, or JSON. */
export interface ExecutionRecord {
  /** Such as "begin", "attempt", "intent", "answer", "deliver", "output", "suspend", "end". */
  kind: string;
  text: string;
  buffers?: readonly Uint8Array[];
}

export interface StoredRecord extends ExecutionRecord {
  /** From 1, each one more than the last; a checkpoint leaves out the first ones. */
  seq: number;
}

/** "running" without a holder: it was interrupted, and can be resumed. */
export type ExecutionState = "running" | "suspended" | "completed" | "failed";

/** Something that an execution waits for. */
export interface Waiting {
  kind: "sleep" | "receive" | "approve" | "ambiguous";
  /** No two waits of an execution have the same one, also over its attempts. From 1. */
  number: number;
  /** receive: what is to be sent; ambiguous: the op. */
  name?: string;
  /** approve, ambiguous: what is asked. */
  question?: string;
  /** What is shown with it: whatever can cross. */
  data?: unknown;
  /** When a sleep ends, or the time for an answer does; milliseconds since the epoch. */
  dueAt?: number;
}

/** What is known of an execution without reading its records. */
export interface ExecutionFacts {
  id: string;
  state: ExecutionState;
  script: string;
  tenant?: string;
  /** From 1. */
  attempt: number;
  /** Milliseconds since the epoch. */
  createdAt: number;
  updatedAt: number;
  /** The number of its last record; 0 where there is none. */
  lastSeq: number;
  waitsFor: readonly Waiting[];
  /** The nearest of what it waits for. */
  dueAt?: number;
  /** Has something come that it waits for, and that no attempt has taken? */
  isAnswered: boolean;
  exitCode?: number;
  error?: string;
  /** Who runs it; absent where nobody does. */
  holder?: { host: string; pid: number };
  /** Something of this cannot be read; what could is here. */
  isDamaged?: true;
}

/** The same, with what it was begun with. */
export interface ExecutionDetails extends ExecutionFacts {
  details: Readonly<Record<string, unknown>>;
}

export interface ExecutionStart {
  /** Its name, for people. */
  script: string;
  tenant?: string;
  /** Whatever whoever resumes it has to know; plain data, without secrets. */
  details?: Readonly<Record<string, unknown>>;
  /** Its first records: kept with it, or neither. */
  records?: readonly ExecutionRecord[];
}

/** What changes with some records, at once or not at all. What is absent stays as it was. */
export interface ExecutionChange {
  state?: ExecutionState;
  waitsFor?: readonly Waiting[];
  /** Numbers of messages that this attempt has taken: no other one gets them. */
  taken?: readonly number[];
  exitCode?: number;
  error?: string;
}

/** What others tell an execution: kept in order, and taken once. */
export type ExecutionMessage =
  | { kind: "send"; name: string; payload: unknown }
  | { kind: "approve"; question: number; approved: boolean; by: string; note?: string; at: string }
  | { kind: "resolve"; question: number; how: Resolution }
  | { kind: "cancel" };

/** What has become of a call whose answer nobody knows. */
export type Resolution = { retry: true } | { value: unknown } | { error: string };

export interface NumberedMessage {
  number: number;
  message: ExecutionMessage;
}

export interface Answer {
  approved: boolean;
  /** Which question, where it asks several. */
  question?: number;
  /** Who says so. */
  by: string;
  note?: string;
}

/**
 * The right to write one execution, which one attempt has at a time. When another one has taken it over, each write
 * rejects with ERR_EXECUTION_FENCED and has changed nothing.
 */
export interface ExecutionLease {
  readonly id: string;
  readonly attempt: number;
  /** Aborted, with the error that a write would have met, once it is known that another attempt has taken over. */
  readonly lost: AbortSignal;
  /**
   * Resolves when they are kept, all of them with the change: in a durable journal on the disk. Writes are done in the order in which they
   * were asked for. A write that failed has changed nothing; later ones may succeed.
   *
   * @throws {GeppettoError} ERR_JOURNAL where they cannot be kept, as on a full disk; ERR_JOURNAL_LIMIT where they are too large.
   */
  append(records: readonly ExecutionRecord[], change?: ExecutionChange): Promise<void>;
  /** The same, before it returns; this thread waits for the disk meanwhile. */
  appendSync(records: readonly ExecutionRecord[], change?: ExecutionChange): void;
  /** What is kept now, from this number on. */
  records(from?: number): AsyncIterable<StoredRecord>;
  /** Messages that no attempt has taken, in order, and those that come, until the signal aborts: then it just ends. */
  messages(signal: AbortSignal): AsyncIterable<NumberedMessage>;
  /** Those that no attempt has taken now, in order. */
  waitingMessages(): Promise<readonly NumberedMessage[]>;
  /** A checkpoint: forgets the records so far and keeps these instead; their numbers go on. */
  restart(records: readonly ExecutionRecord[], change?: ExecutionChange): Promise<void>;
  /** Changes this, and lets go: others may resume the execution. Idempotent; does not fail where another one has it already. */
  release(change?: ExecutionChange): Promise<void>;
}

export interface ResumeOptions {
  /** Whose it has to be. */
  tenant?: string;
  /** Also takes it from an attempt that is under way, which can write no more. */
  takeOver?: boolean;
}

export interface ListExecutionsOptions {
  state?: ExecutionState;
  tenant?: string;
  /** Only suspended ones whose `dueAt` is not after this moment, or that were answered. */
  due?: number;
  /** Most of them; default all. */
  limit?: number;
}

export interface FollowOptions {
  /** The first number; default all. */
  from?: number;
  signal?: AbortSignal;
}

/**
 * Where executions are kept: their records, and what others tell them. Every method rejects with ERR_JOURNAL where the
 * journal cannot be read or written, and with ERR_JOURNAL_VERSION where a newer version made it; with a
 * ValidationError for what it cannot be called with.
 */
export interface Journal extends AsyncDisposable {
  /** Begins an execution. @throws {GeppettoError} ERR_EXECUTION_EXISTS; ERR_EXECUTION_ID. */
  begin(id: string, start: ExecutionStart): Promise<ExecutionLease>;
  /**
   * Begins a further attempt.
   *
   * @throws {GeppettoError} ERR_EXECUTION_UNKNOWN, also for another tenant's; ERR_EXECUTION_RUNNING ("is running on …");
   *   ERR_EXECUTION_ENDED.
   */
  resume(id: string, options?: ResumeOptions): Promise<ExecutionLease>;
  /** undefined where there is none. */
  get(id: string): Promise<ExecutionDetails | undefined>;
  /** The latest first; those that are due: the first that was. */
  list(options?: ListExecutionsOptions): AsyncIterable<ExecutionFacts>;
  /** What is kept of it now. */
  records(id: string, from?: number): AsyncIterable<StoredRecord>;
  /** What is kept of it and what comes, until it has ended. */
  follow(id: string, options?: FollowOptions): AsyncIterable<StoredRecord>;

  /**
   * For `receive(name)`, now or later.
   *
   * @throws {GeppettoError} ERR_EXECUTION_UNKNOWN, ERR_EXECUTION_ENDED; ValidationError for a payload that cannot cross;
   *   ERR_JOURNAL_LIMIT.
   */
  send(id: string, name: string, payload?: unknown): Promise<void>;
  /**
   * Answers a question; does not resume the execution.
   *
   * @throws {GeppettoError} ERR_EXECUTION_ANSWER where nobody has asked, several have and it does not say which, it was
   *   answered, or its time is up; and as for `send`.
   */
  approve(id: string, answer: Answer): Promise<void>;
  /** Says what has become of a call whose answer nobody knows. @throws {GeppettoError} as `approve` does. */
  resolve(id: string, how: Resolution, question?: number): Promise<void>;
  /** Ends it: at once where nobody runs it, else as soon as whoever does hears of it. */
  cancel(id: string): Promise<void>;

  /** Values of this name's own, which outlive executions. */
  store(name: string): KeyValueStore;
  /** Lets go of all leases and waits for what is under way. Idempotent. */
  close(): Promise<void>;
}

/** A small store of values by key. Limits: keys of 512 characters, values of 1 MB, 10,000 keys and 16 MB a store. */
export interface KeyValueStore {
  /** undefined where there is none. */
  get(key: string): Promise<unknown>;
  /** @throws {GeppettoError} ValidationError for a value that cannot cross, ERR_STORE_LIMIT where there is no room. */
  set(key: string, value: unknown): Promise<void>;
  /** Was there one? */
  delete(key: string): Promise<boolean>;
  /** Keys that begin like this, in order. */
  list(prefix?: string): Promise<string[]>;
}
