import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteJournal } from "../../../src/journal/executions/sqlite/sqlite-journal.ts";
import type { JournalLimits } from "../../../src/journal/executions/tables/journal-tables.ts";
import { describeJournal, describePeers } from "./describe-journal.ts";

let folder = "";

const fixture = {
  create: async (limits: Partial<JournalLimits> = {}) => {
    folder = await mkdtemp(join(tmpdir(), "journal-"));
    return SqliteJournal.open(join(folder, "executions.db"), { limits });
  },
  createPeer: () => SqliteJournal.open(join(folder, "executions.db")),
  clean: () => rm(folder, { recursive: true, force: true }),
};

describeJournal("SqliteJournal", fixture);
describePeers("SqliteJournal", fixture);
