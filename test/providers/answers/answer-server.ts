/** A server that plays answers as they are written down here, byte for byte. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ChatProvider } from "../../../src/providers/chat-provider.ts";
import { createChatProvider } from "../../../src/providers/create-chat-provider.ts";
import type { ModelSettings } from "../../../src/providers/settings.ts";
import { patience } from "../../machine/patience.ts";
import { collect, type Collected } from "../collect.ts";

export type Api = "chat" | "responses" | "messages";

/** A body with status 200 as an event stream, or more of an answer. */
export type Answer =
  | string
  | { status?: number; headers?: Record<string, string>; body?: string }
  | ((response: ServerResponse) => void);

export interface AnswerServer {
  readonly origin: string;
  /** What was asked since the last `play()`, in order. */
  readonly requests: { url: string; body: Record<string, unknown>; headers: IncomingHttpHeaders; at: number }[];
  /** Answers with these, the last one for ever. */
  play(...answers: Answer[]): void;
  provider(api: Api, settings?: Partial<ModelSettings>): ChatProvider;
  /** Asks with this API, and collects what comes of it. */
  ask(api: Api, answer: Answer, settings?: Partial<ModelSettings>): Promise<Collected>;
  close(): Promise<void>;
}

export async function startAnswerServer(): Promise<AnswerServer> {
  const requests: AnswerServer["requests"] = [];
  let answers: Answer[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const body = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
      requests.push({ url: request.url ?? "", body, headers: request.headers, at: performance.now() });
      send(response, answers.length > 1 ? answers.shift()! : answers[0]!);
    });
  });
  // Node's fetch sometimes opens a connection more than it uses.
  server.on("connection", (socket) => {
    setTimeout(() => socket.bytesRead === 0 && socket.destroy(), patience(1000)).unref();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider: AnswerServer["provider"] = (api, settings = {}) =>
    createChatProvider(
      {
        provider: api === "messages" ? "anthropic" : "openai",
        baseURL: api === "messages" ? origin : `${origin}/v1`,
        apiKey: "key-for-tests",
        retry: { attempts: 1, baseMs: 1 },
        ...(api === "responses" ? { api } : {}),
        ...settings,
      },
      { env: {} },
    );
  const play = (...given: Answer[]): void => {
    requests.length = 0;
    answers = given;
  };
  return {
    origin,
    requests,
    play,
    provider,
    ask: (api, answer, settings) => {
      play(answer);
      return collect(provider(api, settings), "m");
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(response: ServerResponse, answer: Answer): void {
  if (typeof answer === "function") return answer(response);
  const { status = 200, headers = {}, body = "" } = typeof answer === "string" ? { body: answer } : answer;
  response.writeHead(status, { "content-type": "text/event-stream", connection: "close", ...headers });
  response.end(body);
}

export const JSON_TYPE = { "content-type": "application/json" };

/** The body of an event stream: records as their JSON, strings as they are. */
export function stream(...events: readonly (object | string)[]): string {
  return events.map((event) => `${typeof event === "string" ? event : `data: ${JSON.stringify(event)}`}\n\n`).join("");
}

/** The same with the names that Anthropic's and OpenAI's newer API give their events. */
export function namedStream(...events: readonly { type: string; [field: string]: unknown }[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
}

export const DONE = "data: [DONE]";

export function chunk(delta: object, choice: object = {}, fields: object = {}): object {
  const choices = [{ index: 0, delta, finish_reason: null, ...choice }];
  return { id: "c1", object: "chat.completion.chunk", model: "m", choices, ...fields };
}

export function finish(reason = "stop", fields: object = {}): object {
  return chunk({}, { finish_reason: reason }, fields);
}
