import { HEARTBEAT_MS, SILENCE_MS } from "../../../base/process-holder.ts";
import { loadPackage } from "../../../events/nats/load-package.ts";
import { GeppettoError } from "../../../shared/errors.ts";
import { JournalThread } from "../access/journal-thread.ts";
import { StoredJournal } from "../stored-journal.ts";
import { withLimits } from "../tables/journal-tables.ts";
import type { NatsThreadData } from "./nats-journal-worker.ts";
import { checkTls, JOURNAL_FIELDS, toSettings, type NatsJournalOptions } from "./nats-options.ts";
import { isPrefix } from "./stream-names.ts";
import { refuseWrong } from "../../../shared/wrong-option.ts";

export type { NatsAccess, NatsJournalOptions } from "./nats-options.ts";

/**
 * Keeps executions on a NATS server with JetStream, for any number of processes on any number of machines. What it has kept
 * survives the end of the server's process; a power cut only where the server syncs always, or has replicas.
 *
 * Needs the packages @nats-io/transport-node, @nats-io/jetstream and @nats-io/kv.
 *
 * @example
 * await using journal = await NatsJournal.open({ servers: "127.0.0.1:4222" });
 * const outcome = await engine.runScript({ file: "order.js" }, { journal, id: "order-17" });
 */
export class NatsJournal extends StoredJournal {
  private constructor(thread: JournalThread) {
    super(thread);
  }

  /**
   * Connects, and makes the streams where there are none.
   *
   * @throws {GeppettoError} ERR_NATS where no server answers; ERR_MISSING_PACKAGE; ERR_JOURNAL; ERR_JOURNAL_VERSION.
   */
  static async open(options: NatsJournalOptions = {}): Promise<NatsJournal> {
    refuseWrong("open the journal", options, JOURNAL_FIELDS);
    checkTls("open the journal", options);
    const { limits, silenceMs = SILENCE_MS, prefix = "geppetto", ...access } = options;
    if (!isPrefix(prefix))
      throw new GeppettoError("ConfigError", 'Cannot open the journal: a prefix has only letters, digits, "-" and "_"');
    // The thread imports these by itself: a missing one is to be named.
    await loadPackage(() => import("@nats-io/transport-node"), "@nats-io/transport-node");
    const data: NatsThreadData = {
      settings: toSettings({ ...access, prefix, silenceMs }),
      limits: withLimits(limits),
      heartbeatMs: Math.min(HEARTBEAT_MS, silenceMs / 3),
    };
    return new NatsJournal(await JournalThread.open("#nats-journal-worker", data));
  }
}
