import type { ServerContext } from "@modelcontextprotocol/server";
import type { CodeProgress } from "../../index.ts";
import { shownInput } from "../consents/shown-input.ts";

/** Longest text of a progress notification, in characters. */
const MAX_PROGRESS = 200;
/** Shortest time between two progress notifications of a call, in milliseconds. */
const PAUSE_MS = 100;
/** How long somebody may think about a question, in milliseconds. */
const ANSWER_MS = 600_000;

/** A call that a client has made: what is told to it, and what it is asked, while its code runs. */
export class ClientCall {
  readonly #context: ServerContext;
  readonly #mayAsk: boolean;
  #progress = 0;
  #toldAt = -Infinity;

  /** @param mayAsk the client can put questions to its user */
  constructor(context: ServerContext, mayAsk: boolean) {
    this.#context = context;
    this.#mayAsk = mayAsk;
  }

  get signal(): AbortSignal {
    return this.#context.mcpReq.signal;
  }

  /** Tells the client, where it wants to know, but not of everything that comes at a time. */
  tell(progress: CodeProgress): void {
    const { _meta, notify } = this.#context.mcpReq;
    const progressToken = _meta?.progressToken;
    if (progressToken === undefined) return;
    this.#progress++;
    const now = performance.now();
    if (now - this.#toldAt < PAUSE_MS) return;
    this.#toldAt = now;
    const message = describe(progress).slice(0, MAX_PROGRESS).toWellFormed();
    const params = { progressToken, progress: this.#progress, message };
    // Whoever has gone need not know.
    notify({ method: "notifications/progress", params }).catch(() => {});
  }

  /** Has the client ask its user whether a function may be called. Nobody to ask is no. */
  async approves(name: string, input: unknown, signal: AbortSignal): Promise<boolean> {
    if (!this.#mayAsk) return false;
    const { action, content } = await this.#context.mcpReq.elicitInput(
      {
        mode: "form",
        message: `May the code call ${name} with ${shownInput(input)}?`,
        requestedSchema: {
          type: "object",
          properties: { allow: { type: "boolean", title: `Allow ${name}`, default: false } },
          required: ["allow"],
        },
      },
      { signal, timeout: ANSWER_MS },
    );
    return action === "accept" && content?.["allow"] === true;
  }
}

function describe(progress: CodeProgress): string {
  switch (progress.type) {
    case "output":
      return progress.text.trim();
    case "tool-call":
      return `calls ${progress.name}`;
    case "tool-result":
      return progress.error === undefined
        ? `${progress.name} has answered`
        : `${progress.name} failed: ${progress.error}`;
    case "event":
      return `${progress.event.step.type}: ${progress.event.type}`;
  }
}
