import { MemoryJournal } from "../../../src/journal/executions/memory-journal.ts";
import { describeJournal } from "./describe-journal.ts";

describeJournal("MemoryJournal", { create: (limits = {}) => new MemoryJournal({ limits }) });
