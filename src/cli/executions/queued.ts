import type { ExecutionFacts } from "../../index.ts";
import type { QueuedExecution } from "../../workers/index.ts";
import { toUsageError, usedServer } from "./open-journal.ts";

/** An execution that was submitted to a server, and that no worker has begun, as others are described. */
export interface QueuedFacts extends Omit<ExecutionFacts, "state"> {
  state: "queued";
  tenant: string;
  pool: string;
}

/**
 * Those that wait on the server that the command names, the latest first; with a `beginning`, those whose ids begin so.
 *
 * @throws {UsageError} for what the server says is wrong.
 */
export async function* queuedFacts(beginning = ""): AsyncGenerator<QueuedFacts, void, undefined> {
  const server = usedServer();
  if (server === undefined) return;
  const { queuedExecutions } = await import("../../workers/index.ts");
  try {
    for await (const queued of queuedExecutions(server, { beginning })) yield toFacts(queued);
  } catch (error) {
    throw toUsageError(error);
  }
}

/** The one that has this id, or whose id alone begins so; undefined where there is none. */
export async function findQueued(id: string): Promise<QueuedFacts | undefined> {
  const found: QueuedFacts[] = [];
  for await (const facts of queuedFacts(id)) {
    if (facts.id === id) return facts;
    found.push(facts);
  }
  return found.length === 1 ? found[0] : undefined;
}

function toFacts({ id, script, tenant, pool, submittedAt }: QueuedExecution): QueuedFacts {
  const times = { createdAt: submittedAt, updatedAt: submittedAt };
  return {
    id,
    state: "queued",
    script,
    tenant,
    pool,
    attempt: 0,
    ...times,
    lastSeq: 0,
    waitsFor: [],
    isAnswered: false,
  };
}
