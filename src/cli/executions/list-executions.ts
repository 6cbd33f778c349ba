import type { ExecutionFacts, Journal } from "../../index.ts";
import { withKnownJournal } from "./open-journal.ts";
import { executionState } from "./describe-execution.ts";

export interface ListExecutionsOptions {
  limit: number;
  /** * and ? stand for any characters. */
  script?: string;
  state?: string;
  /** Milliseconds since the epoch. */
  since?: number;
}

/** The latest executions first. */
export async function listExecutions(options: ListExecutionsOptions): Promise<ExecutionFacts[]> {
  return (await withKnownJournal((journal) => collect(journal, options))) ?? [];
}

async function collect(
  journal: Journal,
  { limit, script, state, since = -Infinity }: ListExecutionsOptions,
): Promise<ExecutionFacts[]> {
  const found: ExecutionFacts[] = [];
  const stored = STORED.find((one) => one === state) ?? (state === "interrupted" ? "running" : undefined);
  if (state !== undefined && stored === undefined) return [];
  for await (const facts of journal.list(stored === undefined ? {} : { state: stored })) {
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
export function executionDocument(facts: ExecutionFacts): object {
  const { createdAt, ...rest } = facts;
  return { ...rest, state: executionState(facts), isExecution: true, startedAt: createdAt };
}
