import type { OnLost, WatchedChanges } from "./journal-listeners.ts";
import type { JournalOp, JournalOps } from "../tables/journal-tables.ts";

/** A way to the tables of a journal: in this thread, or in another one. */
export interface JournalAccess {
  /** What the op gives. Ops are done in the order in which they were asked for. */
  ask<Op extends JournalOp>(op: Op, ...args: Parameters<JournalOps[Op]>): Promise<ReturnType<JournalOps[Op]>>;
  /** The same, before it returns. */
  askSync<Op extends JournalOp>(op: Op, ...args: Parameters<JournalOps[Op]>): ReturnType<JournalOps[Op]>;
  /** Calls `onChange` whenever something about this execution may have changed in this way, until the result is called. */
  watch(id: string, onChange: () => void, changes: WatchedChanges): () => void;
  /** Calls `onLost` once, when this process does not hold it any more, until the result is called. */
  hold(id: string, fence: number, onLost: OnLost): () => void;
  close(): Promise<void>;
}
