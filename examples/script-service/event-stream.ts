import { once } from "node:events";
import type { ServerResponse } from "node:http";

/** Server-sent events for one client, who may leave, and may read slowly. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #left = new AbortController();

  constructor(response: ServerResponse) {
    this.#response = response;
    response.on("close", () => this.#left.abort());
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  }

  /** Aborted when the client leaves. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** Sends an event; resolves when the client has room for more, or has left. */
  async send(event: string, data: object): Promise<void> {
    if (this.#response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)) return;
    await once(this.#response, "drain", { signal: this.left }).catch(() => {});
  }

  end(): void {
    this.#response.end();
  }
}
