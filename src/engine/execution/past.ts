import { createHash, randomInt } from "node:crypto";
import type { ExecutionChange, ExecutionLease, ExecutionRecord } from "../../journal/executions/journal.ts";
import type { JournalFacts } from "../../journal/journal-record.ts";
import { decodeValue } from "../../shared/decode.ts";
import type { LoadedScript } from "../script/load-script.ts";
import { CarriedAnswers } from "./carried-answers.ts";
import { otherEngine } from "./execution-errors.ts";
import { RECORDS } from "./tape-record.ts";
import { TapeIndex } from "./tape-index.ts";

/** What the first record of an execution says. */
interface Beginning {
  format: number;
  seed: number;
  /** SHA-256 of the script with its imports. */
  source: string;
  facts: Pick<JournalFacts, "node" | "v8" | "isolation" | "hardening" | "timeZone">;
}

/** What the script has left at its last checkpoint. */
export interface Checkpoint {
  state: unknown;
  lastNumber: number;
  /** How many there have been. */
  count: number;
}

/** What the attempts of one execution share, read from its journal. */
export interface Past {
  beginning: Beginning;
  /** In which state it was. */
  state: ExecutionChange;
  /** The last checkpoint. */
  checkpoint: Checkpoint | undefined;
  index: TapeIndex | undefined;
  carried: CarriedAnswers | undefined;
}

/** How many times the format of executions has changed. */
const FORMAT = 1;

const NOTHING = { checkpoint: undefined, index: undefined, carried: undefined } as const;

export function newBeginning(script: LoadedScript, facts: JournalFacts): Beginning {
  return { format: FORMAT, seed: randomInt(2 ** 47), source: hashOf(script), facts };
}

/** That of an execution that begins. */
export function newPast(beginning: Beginning): Past {
  return { beginning, state: {}, ...NOTHING };
}

export async function readPast(lease: ExecutionLease): Promise<Omit<Past, "state">> {
  const records: ExecutionRecord[] = [];
  for await (const record of lease.records()) records.push(record);
  const [first, second] = records;
  const beginning = JSON.parse(first!.text) as Beginning;
  if (second?.kind !== RECORDS.checkpoint) return { beginning, ...NOTHING, index: indexOf(records.slice(1)) };
  const checkpoint = decodeValue(second.text) as Checkpoint;
  // The next attempt began the script anew.
  const next = records.findIndex(({ kind }) => kind === RECORDS.attempt);
  const carried = new CarriedAnswers(records.slice(2, next === -1 ? undefined : next));
  return { beginning, checkpoint, carried, index: next === -1 ? undefined : indexOf(records.slice(next)) };
}

/** @throws {GeppettoError} ReplayError where another engine would run it. */
export function checkEngine(id: string, { facts: then }: Beginning, { facts: now }: Beginning): void {
  if (then.node !== now.node) throw otherEngine(id, "Node", then.node, now.node);
  if (then.v8 !== now.v8) throw otherEngine(id, "V8", then.v8, now.v8);
  if (then.isolation !== now.isolation) throw otherEngine(id, "the isolation", then.isolation, now.isolation);
  if (then.hardening !== now.hardening) throw otherEngine(id, "the hardening", then.hardening, now.hardening);
  if (then.timeZone !== now.timeZone) throw otherEngine(id, "the time zone", then.timeZone, now.timeZone);
}

/** An attempt that ended before the script began leaves nothing to bring back. */
function indexOf(records: readonly ExecutionRecord[]): TapeIndex | undefined {
  const index = new TapeIndex(records);
  return index.isEmpty ? undefined : index;
}

function hashOf({ kind, name, lineOffset, code }: LoadedScript): string {
  return createHash("sha256")
    .update(JSON.stringify([kind, name, lineOffset, code]))
    .digest("hex");
}
