import type { ErrorRecord, Frame } from "../shared/frames.ts";

/** What a realm calls on its host. Neither ever throws or rejects: failures are outcomes inside the frame. */
export interface HostBridge {
  /** A synchronous or asynchronous op; the guest waits for the answering frame only. */
  call(frame: string): string;
  /** A blocking op; the guest waits until the promise resolves, the host does not. */
  callBlocking(frame: string): Promise<Frame> | Frame;
  /** An op without an answer; the guest does not wait. In order with the others. */
  note(frame: string): void;
  /** Who the guest's script is of: what it says is worked on at that one's cost. Default nobody in particular. */
  readonly tenant?: string;
}

export interface RealmLimits {
  /** V8 heap of the realm, in MB. */
  memoryMB: number;
}

/** Source text to run; `filename` is what the guest sees ("file:///script.js"), never a host path. */
export interface Source {
  code: string;
  filename: string;
  kind: "module" | "classic";
  /** Lines at the start that do not count in line numbers. */
  lineOffset: number;
  /** Comes back with the completion value, in the op `script_settle`. */
  token: number;
  /**
   * Classic code puts its value into this global as the last thing that it does: so it is told although a rejection that
   * nobody handles fails the same turn.
   */
  keeps?: string;
  /** Only compiled and linked: none of it runs, and no completion value comes. */
  loadOnly?: true;
}

/**
 * Why an entry did not end normally.
 * - thrown: an exception or a rejection that nobody in the guest caught
 * - load: the source does not parse, or imports what cannot be imported
 * - timeout: the entry exceeded its time; `stack` says where it was, where it could be interrupted
 * - memory: the realm is gone because it outgrew its memory
 * - disposed: the realm is gone because the host disposed it
 * - crashed: the realm is gone because the JavaScript engine died or broke the protocol
 */
export type RealmFailure =
  | { kind: "thrown" | "load"; error: ErrorRecord }
  | { kind: "timeout"; stack?: string }
  | { kind: "memory" }
  | { kind: "disposed" }
  | { kind: "crashed" };

export interface RealmStats {
  /** CPU time the guest has used, in milliseconds. */
  cpuMs: number;
}

export interface EntryOptions {
  /** Longest time that the entry, microtasks included, may take. */
  timeoutMs?: number;
}

/**
 * One isolate with one context, wherever it lives. Entering it is always asynchronous; entries run in the order of the
 * calls, each as a turn of its own with its microtasks, and may be pipelined. Failure is a value: the promises never
 * reject.
 */
export interface Realm {
  /** Delivers one frame as one turn. Resolves when the turn and its microtasks are over. */
  invoke(frame: Frame, options?: EntryOptions): Promise<RealmFailure | undefined>;
  /** Runs source text up to its first wait. Its completion value comes later, by the op `script_settle`. */
  run(source: Source, options?: EntryOptions): Promise<RealmFailure | undefined>;
  /** Ends the realm; what is running in it is terminated. Idempotent. */
  dispose(): void;
  /** Resolves when a realm that was disposed of has let go of this process, or it is plain that it does not. */
  ended(): Promise<void>;
  readonly disposed: boolean;
  /** A thread of this process runs on although its realm is disposed: only the end of the process ends it. */
  readonly tainted: boolean;
  /** Called once when the realm has gone by itself, also while nothing was under way in it. */
  onGone: (failure: RealmFailure) => void;
  stats(): RealmStats;
}

/** Makes a realm with the guest runtime loaded. */
export type RealmFactory = (bridge: HostBridge, limits: RealmLimits) => Promise<Realm>;
