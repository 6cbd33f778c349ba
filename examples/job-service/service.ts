import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { openExecution, submit, type NatsAccess } from "geppetto-js/workers";

const MAX_SCRIPT_CHARS = 100_000;

/** Submits scripts in the names of tenants, and tells what becomes of them. It keeps nothing: any number of these may run. */
export class JobService {
  readonly #nats: NatsAccess;
  /** The tenant of each key. */
  readonly #tenants: ReadonlyMap<string, string>;

  constructor(nats: NatsAccess, tenants: Readonly<Record<string, string>>) {
    this.#nats = nats;
    this.#tenants = new Map(Object.entries(tenants));
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const tenant = this.#tenants.get(request.headers.authorization?.replace(/^Bearer /, "") ?? "");
      if (tenant === undefined) return send(response, 401, { error: "who are you?" });
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
      const [, jobs, name, what] = pathname.split("/");
      if (jobs === "jobs" && name === undefined && request.method === "POST")
        return await this.#submit(request, response, tenant, searchParams.get("id") ?? undefined);
      // The ids of a tenant begin with its name: it finds no others.
      const id = `${tenant}:${name}`;
      if (jobs === "jobs" && what === "events" && request.method === "GET")
        return await this.#follow(request, response, id);
      if (jobs === "jobs" && what === undefined && request.method === "DELETE") return await this.#cancel(response, id);
      send(response, 404, { error: "there is nothing here" });
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (response.headersSent) response.destroy();
      else send(response, code === "ERR_EXECUTION_UNKNOWN" ? 404 : 400, { error: message, code });
    }
  }

  async #submit(
    request: IncomingMessage,
    response: ServerResponse,
    tenant: string,
    name: string = crypto.randomUUID(),
  ): Promise<void> {
    let code = "";
    for await (const chunk of request.setEncoding("utf8")) {
      code += chunk as string;
      if (code.length > MAX_SCRIPT_CHARS) return send(response, 413, { error: "the script is too long" });
    }
    // It comes from somebody else: it is not put together with files of this machine.
    await using execution = await submit(
      { code, name: "script.js" },
      { nats: this.#nats, tenant, id: `${tenant}:${name}`, import: [] },
    );
    const { workers, waiting } = execution;
    send(response, 202, { id: name, workers, waiting });
  }

  async #follow(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    const last = Number(request.headers["last-event-id"] ?? 0);
    if (!Number.isSafeInteger(last) || last < 0)
      return send(response, 400, { error: "Last-Event-ID must be a number" });
    const left = new AbortController();
    response.on("close", () => left.abort());
    await using execution = await openExecution(id, this.#nats);
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.flushHeaders();
    try {
      for await (const { seq, ...item } of execution.follow({ from: last + 1, signal: left.signal })) {
        const text = `id: ${seq}\nevent: ${item.type}\ndata: ${JSON.stringify(item)}\n\n`;
        // A client that reads slowly is waited for: what is still to come is kept on the server.
        if (!response.write(text)) await once(response, "drain", { signal: left.signal });
      }
    } catch (error) {
      if (!left.signal.aborted) throw error;
    }
    response.end();
  }

  async #cancel(response: ServerResponse, id: string): Promise<void> {
    await using execution = await openExecution(id, this.#nats);
    await execution.cancel();
    send(response, 202, { id });
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
