import { findStream } from "../events/nats/make-stream.ts";
import { ExecutionLog } from "../journal/executions/nats/execution-log.ts";
import { NatsLink } from "../journal/executions/nats/nats-link.ts";
import type { NatsAccess } from "../journal/executions/nats/nats-options.ts";
import { scanStream } from "../journal/executions/nats/scan-stream.ts";
import { streamNames } from "../journal/executions/nats/stream-names.ts";
import { isExecutionId } from "../journal/executions/execution-errors.ts";
import { idOfKey, jobNames } from "./queue/job-names.ts";
import { readJob } from "./queue/job.ts";

/** Executions that are looked at together. */
const PAGE = 64;

/** An execution that was submitted, and that no worker has begun. */
export interface QueuedExecution {
  id: string;
  script: string;
  tenant: string;
  pool: string;
  /** Milliseconds since the epoch, by the clock of whoever submitted it. */
  submittedAt: number;
}

/**
 * What was submitted and no worker has begun, the latest first; with a `beginning`, only those whose ids begin so. Makes
 * nothing on the server.
 *
 * @throws {GeppettoError} ERR_NATS; ERR_JOURNAL.
 * @example
 * for await (const { id, pool } of queuedExecutions({ servers: "127.0.0.1:4222" })) console.log(id, pool);
 */
export async function* queuedExecutions(
  nats: NatsAccess,
  { beginning = "" }: { beginning?: string } = {},
): AsyncGenerator<QueuedExecution, void, undefined> {
  const { prefix = "geppetto" } = nats;
  const [jobs, names] = [jobNames(prefix), streamNames(prefix)];
  const stream = `KV_${jobs.submitted}`;
  const link = await NatsLink.connect(nats);
  try {
    if ((await link.ask(() => findStream(link.manager, stream))) === undefined) return;
    const ids: string[] = [];
    for await (const { subject } of scanStream(link, stream, { filter: jobs.submittedAs("*"), isWithoutTexts: true })) {
      const id = idOfKey(subject.split(".").at(-1)!);
      if (isExecutionId(id) && id.startsWith(beginning)) ids.push(id);
    }
    const log = new ExecutionLog(link, names);
    // What was submitted is known until it has ended.
    const begun = ids.length === 0 ? new Set<string>() : await log.ids();
    const waiting = ids.filter((id) => !begun.has(id)).toReversed();
    for (let at = 0; at < waiting.length; at += PAGE) {
      const page = waiting.slice(at, at + PAGE).map((id) => describe(id));
      for (const found of await Promise.all(page)) if (found !== undefined) yield found;
    }

    /** undefined for one that has begun, or ended, meanwhile, and for what cannot be read. */
    async function describe(id: string): Promise<QueuedExecution | undefined> {
      const query = { last_by_subj: jobs.submittedAs(id) };
      const [kept, last] = await Promise.all([
        link.ask(() => link.manager.streams.getMessage(stream, query)),
        log.last(id),
      ]);
      if (kept === null || last.at > 0) return undefined;
      try {
        const { script, tenant, pool, submittedAt } = readJob(id, kept.string());
        return { id, script, tenant, pool, submittedAt };
      } catch {
        return undefined;
      }
    }
  } finally {
    await link[Symbol.asyncDispose]();
  }
}
