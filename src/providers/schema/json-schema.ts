import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { createDeferred, type Deferred } from "../../base/deferred.ts";
import { GeppettoError } from "../../shared/errors.ts";
import type { SchemaAnswer, SchemaRequest } from "./schema-worker.ts";

/** Longest time that a schema may take to be read, or a value to be checked: patterns may be made to take for ever. */
const MAX_CHECK_MS = 500;

/** What is wrong with the value, as `input.city: expected a string, found nothing`; undefined when it fits. */
export type JsonSchemaCheck = (value: unknown, path: string) => Promise<string | undefined>;

/**
 * Reads a JSON schema. Schemas come from scripts, so reading and checking happen in a thread of their own, and are cut
 * off after half a second.
 *
 * @param what names the schema in errors, for example `the input schema of tool "clock"`.
 * @throws {GeppettoError} ValidationError with code ERR_SCHEMA for what is not a schema, or uses `not`, `if` or another
 *   keyword that cannot be checked here.
 */
export async function compileJsonSchema(schema: Record<string, unknown>, what: string): Promise<JsonSchemaCheck> {
  const text = JSON.stringify(schema);
  const read = await thread.ask({ schema: text, path: "" });
  const reason = read === "overdue" ? "it takes too long to read" : read.refusal;
  if (reason !== undefined) {
    const message = `Cannot use ${what}: it is not a JSON schema that can be checked: ${reason}`;
    throw new GeppettoError("ValidationError", message, { code: "ERR_SCHEMA" });
  }
  return async (value, path) => {
    const answer = await thread.ask({ schema: text, value: JSON.stringify(value ?? null), path });
    return answer === "overdue" ? `${path}: checking it against the schema takes too long` : answer.flaw;
  };
}

interface Job {
  request: SchemaRequest;
  answered: Deferred<SchemaAnswer | "overdue">;
}

/** The thread that reads schemas: one at a time, begun with the first, ended when it takes too long, then begun anew. */
class SchemaThread {
  readonly #jobs: Job[] = [];
  #worker: Worker | undefined;
  #isReady = false;
  #timer: NodeJS.Timeout | undefined;

  ask(request: SchemaRequest): Promise<SchemaAnswer | "overdue"> {
    const job: Job = { request, answered: createDeferred() };
    if (this.#jobs.push(job) === 1) this.#next();
    return job.answered.promise;
  }

  #next(): void {
    const [job] = this.#jobs;
    if (job === undefined) {
      this.#worker?.unref();
      return;
    }
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    // The time that a thread takes to begin is not the schema's.
    if (!this.#isReady) return;
    this.#timer = setTimeout(() => {
      this.#drop(worker);
      this.#settle("overdue");
    }, MAX_CHECK_MS);
    worker.postMessage(job.request);
  }

  #settle(answer: SchemaAnswer | "overdue"): void {
    clearTimeout(this.#timer);
    this.#jobs.shift()?.answered.resolve(answer);
    this.#next();
  }

  #start(): Worker {
    const worker = new Worker(createRequire(import.meta.url).resolve("#schema-worker"), {
      name: "json-schema",
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    });
    worker.on("message", (message: SchemaAnswer | "ready") => {
      if (this.#worker !== worker) return;
      if (message !== "ready") this.#settle(message);
      else {
        this.#isReady = true;
        this.#next();
      }
    });
    const onLost = (): void => {
      if (this.#worker !== worker) return;
      this.#drop(worker);
      this.#settle("overdue");
    };
    worker.on("error", onLost);
    worker.on("exit", onLost);
    return worker;
  }

  #drop(worker: Worker): void {
    this.#worker = undefined;
    this.#isReady = false;
    void worker.terminate();
  }
}

const thread = new SchemaThread();
