import type { StepEmission } from "../../steps/step.ts";

/**
 * What a step has said of its run, for `meta` and `metadata` of the events that follow; absent where it is as before. A
 * message that is the run itself has no id here: each run has its own.
 */
export interface CachedState {
  meta?: { messageId?: string; parentId: string; engine: string };
  /** What the step itself added to the run's metadata. */
  facts?: Record<string, unknown>;
}

/** One thing that a run published or gave. */
export type CachedPart = CachedState & ({ emission: StepEmission } | { result: unknown });

/** A run, in order. Plain data; results may hold dates, maps, sets, big integers and vectors. */
export interface CacheEntry {
  /** The step's type. */
  type: string;
  trace: CachedPart[];
  /** When the run was over. */
  end: CachedState;
}

/** Where a caching step keeps what runs gave. Neither method may reject: a store that fails is one without the entry. */
export interface CacheStore {
  /** `key` is 64 hex digits. */
  get(key: string): Promise<CacheEntry | undefined>;
  set(key: string, entry: CacheEntry): Promise<void>;
}
