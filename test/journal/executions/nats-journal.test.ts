import { afterAll, beforeAll, describe } from "vitest";
import { NatsJournal } from "../../../src/journal/executions/nats/nats-journal.ts";
import type { JournalLimits } from "../../../src/journal/executions/tables/journal-tables.ts";
import { hasNatsServer, NatsServer } from "../../events/nats-server.ts";
import { describeJournal, describePeers } from "./describe-journal.ts";

let server: NatsServer;
/** Each journal that is made has streams of its own. */
let serial = 0;

function open(limits: Partial<JournalLimits> = {}): Promise<NatsJournal> {
  return NatsJournal.open({ servers: server.address, prefix: `test${serial}`, limits, maxBytes: 100_000_000 });
}

const fixture = {
  create: (limits?: Partial<JournalLimits>) => {
    serial++;
    return open(limits);
  },
  createPeer: () => open(),
  clean: () => Promise.resolve(),
};

describe.skipIf(!hasNatsServer)("On a NATS server", () => {
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.stop());

  describeJournal("NatsJournal", fixture);
  describePeers("NatsJournal", fixture);
});
