import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { type EnginePool, GeppettoError } from "geppetto-js";
import { EventStream } from "./event-stream.ts";
import { Metrics } from "./metrics.ts";
import type { Caller } from "./script-pool.ts";
import { tenantOf, type Tenant } from "./tenants.ts";

/** Answers the requests of tenants. */
export class Service {
  readonly #pool: EnginePool;
  readonly #tenants: ReadonlyMap<string, Tenant>;
  readonly #metrics: Metrics;
  #isStopping = false;

  constructor(pool: EnginePool, tenants: ReadonlyMap<string, Tenant>) {
    this.#pool = pool;
    this.#tenants = tenants;
    this.#metrics = new Metrics(pool);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = `${request.method} ${request.url}`;
    if (route === "GET /health") return say(response, this.#isStopping ? 503 : 200, "");
    if (route === "GET /metrics") return say(response, 200, String(this.#metrics));
    const tenant = tenantOf(this.#tenants, request.headers.authorization);
    if (tenant === undefined) return say(response, 401, "Unknown key\n");
    if (route === "GET /budget") return say(response, 200, `${JSON.stringify(tenant.budget.spent)}\n`);
    if (route !== "POST /scripts") return say(response, 404, "Unknown route\n");
    if (this.#isStopping) return say(response, 503, "The service stops\n");
    await this.#run(await text(request), tenant, response);
  }

  /** Takes no new scripts; those that run may go on for `drainMs`. Resolves when all have ended. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopping = true;
    await this.#pool.close({ drainMs });
  }

  async #run(code: string, tenant: Tenant, response: ServerResponse): Promise<void> {
    const stream = new EventStream(response);
    const caller: Caller = { tenant, onToolCall: () => this.#metrics.noteToolCall() };
    try {
      const outcome = await this.#pool.run(
        { code },
        {
          tenant: tenant.name,
          context: caller,
          budget: tenant.budget,
          signal: stream.left,
          console: {
            stdout: (text) => void stream.send("stdout", { text }),
            stderr: (text) => void stream.send("stderr", { text }),
          },
          onEvent: (event) => stream.send(event.type, event),
        },
      );
      this.#metrics.noteOutcome(outcome);
      const { ok, end, value, error } = outcome;
      await stream.send("end", { ok, end, value, code: error?.code, message: error?.message });
    } catch (error) {
      if (stream.left.aborted) return;
      // Too many of the tenant's scripts wait, or the service stops. All else is the service's own trouble.
      const code = error instanceof GeppettoError ? error.code : "ERR_SERVICE";
      if (code === "ERR_SERVICE") console.error(error);
      await stream.send("end", { ok: false, end: "refused", code });
    } finally {
      stream.end();
    }
  }
}

function say(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(body);
}
