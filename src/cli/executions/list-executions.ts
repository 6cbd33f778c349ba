import type { ExecutionFacts, Journal } from "../../index.ts";
import { withKnownJournal } from "./open-journal.ts";
import { executionState, type KnownFacts } from "./describe-execution.ts";
import { queuedFacts } from "./queued.ts";

export interface ListExecutionsOptions {
  limit: number;
  /** * and ? stand for any characters. */
  script?: string;
  state?: string;
  /** Milliseconds since the epoch. */
  since?: number;
}

/** The latest executions first; before those that have begun, what waits on a server. */
export async function listExecutions(options: ListExecutionsOptions): Promise<KnownFacts[]> {
  const begun = (await withKnownJournal((journal) => collect(journal, options))) ?? [];
  const { state } = options;
  if (state !== undefined && state !== "queued") return begun;
  return [...(await firstOf(queuedFacts(), options)), ...begun];
}

async function collect(journal: Journal, options: ListExecutionsOptions): Promise<ExecutionFacts[]> {
  const { state } = options;
  const stored = STORED.find((one) => one === state) ?? (state === "interrupted" ? "running" : undefined);
  if (state !== undefined && stored === undefined) return [];
  return firstOf(journal.list(stored === undefined ? {} : { state: stored }), options);
}

/** Those that are wanted, of some that come the latest first. */
async function firstOf<Facts extends KnownFacts>(
  all: AsyncIterable<Facts>,
  { limit, script, state, since = -Infinity }: ListExecutionsOptions,
): Promise<Facts[]> {
  const found: Facts[] = [];
  for await (const facts of all) {
    if (found.length >= limit || facts.createdAt < since) break;
    const isNamed = script === undefined || facts.script === script || toPattern(script).test(facts.script);
    if (isNamed && (state === undefined || executionState(facts) === state)) found.push(facts);
  }
  return found;
}

function toPattern(glob: string): RegExp {
  const escaped = glob.replace(/[\\^$.+()[\]{}|]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s");
}

const STORED = ["running", "suspended", "completed", "failed"] as const;

/** As `runs list --json` and `runs show --json` give it. */
export function executionDocument(facts: KnownFacts): object {
  const { createdAt, ...rest } = facts;
  return { ...rest, state: executionState(facts), isExecution: true, startedAt: createdAt };
}
