import type { JournalAccess } from "./access/journal-access.ts";
import { JournalDesk } from "./access/journal-desk.ts";
import { JournalListeners } from "./access/journal-listeners.ts";
import { StoredJournal } from "./stored-journal.ts";
import { JournalTables, type JournalLimits, withLimits } from "./tables/journal-tables.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

export interface MemoryJournalOptions {
  /** What one execution, and all of them, may take; see the docs. */
  limits?: Partial<JournalLimits>;
  /** Milliseconds since the epoch; default this machine's clock. */
  now?: () => number;
}

/**
 * Keeps executions as long as the process lives: they survive their engine and its child, not their host.
 *
 * @example
 * await using journal = new MemoryJournal();
 * const outcome = await engine.runScript({ file: "order.js" }, { journal, id: "order-17" });
 */
export class MemoryJournal extends StoredJournal {
  constructor(options: MemoryJournalOptions = {}) {
    refuseWrong("open the journal", options, { limits: true, now: true });
    super(memoryAccess(withLimits(options.limits), options.now ?? Date.now));
  }
}

function memoryAccess(limits: JournalLimits, now: () => number): JournalAccess {
  const { DatabaseSync: Database } = process.getBuiltinModule("node:sqlite");
  const database = new Database(":memory:");
  database.exec("PRAGMA foreign_keys = ON");
  // Whoever holds one lives as long as it does.
  const desk = new JournalDesk(new JournalTables(database, { now, silenceMs: Infinity }, limits));
  const listeners = new JournalListeners(desk);
  const askSync: JournalAccess["askSync"] = (op, ...args) => {
    const { outcomes, ...news } = desk.perform([{ op, args }]);
    listeners.tell(news);
    const [outcome] = outcomes;
    if ("error" in outcome!) throw outcome.error;
    return outcome!.value as never;
  };
  return {
    ask: async (op, ...args) => askSync(op, ...args),
    askSync,
    watch: (id, onChange, changes) => listeners.watch(id, onChange, changes),
    hold: (id, fence, onLost) => listeners.hold(id, fence, onLost),
    close: async () => {
      if (database.isOpen) database.close();
      listeners.wakeAll();
    },
  };
}
