import type { IncomingMessage, ServerResponse } from "node:http";
import type { RunSummary } from "../../index.ts";
import { findRun, withRunLog } from "../commands/runs-command.ts";
import { UsageError } from "../options/usage-error.ts";
import { printNotes } from "../output/print-table.ts";
import type { RunAgain } from "./run-again.ts";
import { runsPage } from "./runs-page.ts";
import type { ServeGuard } from "./serve-guard.ts";
import { tracePageOf } from "./trace-page-of.ts";

/** How many runs the first page lists. */
const MAX_LISTED = 100;
/** Longest request: a script as JSON, in bytes. */
const MAX_BODY_BYTES = 16_000_000;
/** Answers the requests of a browser: the list of runs, their pages, and changed scripts. */
export class RunPages {
  readonly #guard: ServeGuard;
  readonly #again: RunAgain;
  readonly #contents: boolean;

  constructor(guard: ServeGuard, again: RunAgain, contents: boolean) {
    this.#guard = guard;
    this.#again = again;
    this.#contents = contents;
  }

  /** Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const way = this.#guard.admit(request);
      if (typeof way === "number") return this.#refuse(response, way);
      const [, id = "", tail = ""] = /^runs\/([\w-]{1,100})(\/again)?$/.exec(way) ?? [];
      if (request.method === "POST") {
        if (tail === "" || !this.#contents) return this.#refuse(response, 404);
        return await this.#runAgain(id, request, response);
      }
      if (way === "") return this.#send(response, 200, "text/html", runsPage(this.#list()), runsPage.policy);
      if (id === "" || tail !== "") return this.#refuse(response, 404);
      await this.#page(id, response);
    } catch (error) {
      const isMissing = error instanceof UsageError;
      if (!response.headersSent) this.#refuse(response, isMissing ? 404 : 500);
      if (!isMissing) printNotes([`error: Cannot answer a request: ${(error as Error).message}`]);
    }
  }

  #list(): RunSummary[] {
    return withRunLog((log) => log.list({ limit: MAX_LISTED })) ?? [];
  }

  async #page(id: string, response: ServerResponse): Promise<void> {
    const run = findRun(id);
    const canRun = this.#contents && run.source !== undefined && run.recordings !== undefined;
    const served = canRun ? { served: { runAgain: `${run.id}/again`, runs: "./" } } : {};
    const page = await withRunLog((log) => tracePageOf(log, run, { contents: this.#contents, ...served }));
    this.#send(response, 200, "text/html", page ?? "", "frame-ancestors 'none'");
  }

  async #runAgain(id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const run = findRun(id);
    const source = await readSource(request);
    if (source === undefined) return this.#json(response, 400, { error: "The script could not be read" });
    const abort = new AbortController();
    response.once("close", () => abort.abort());
    const outcome = await this.#again.run(run.id, source, abort.signal);
    if (!abort.signal.aborted) this.#json(response, outcome.error === undefined ? 200 : 409, outcome);
  }

  #json(response: ServerResponse, status: number, body: object): void {
    this.#send(response, status, "application/json", JSON.stringify(body), "default-src 'none'");
  }

  #refuse(response: ServerResponse, status: number): void {
    this.#send(response, status, "text/plain", "", "default-src 'none'");
  }

  #send(response: ServerResponse, status: number, type: string, body: string, policy: string): void {
    response.writeHead(status, {
      "content-type": `${type}; charset=utf-8`,
      "content-length": Buffer.byteLength(body),
      "content-security-policy": policy,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
    });
    response.end(body);
  }
}

/** The script in a request; undefined for what holds none, or too much. */
async function readSource(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  try {
    const { source } = JSON.parse(Buffer.concat(chunks).toString()) as { source?: unknown };
    return typeof source === "string" ? source : undefined;
  } catch {
    return undefined;
  }
}
