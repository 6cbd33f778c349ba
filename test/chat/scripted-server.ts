/** A server that speaks OpenAI's chat completions and answers from a list of turns. */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ModelSettings } from "../../src/index.ts";
import { patience } from "../machine/patience.ts";

/** One answer: text, tool calls (arguments as the model wrote them), or whatever is done with the response. */
export interface Turn {
  text?: string;
  calls?: { id?: string; name: string; arguments: string }[];
  finish?: string;
  usage?: { prompt_tokens: number; completion_tokens: number };
  /** Answer with this status, and nothing else. */
  status?: number;
  /** Send nothing more after the text, and keep the connection. */
  hangs?: boolean;
}

export interface ScriptedServer {
  /** What was asked, in order. */
  readonly bodies: { messages: Record<string, unknown>[]; [field: string]: unknown }[];
  readonly settings: ModelSettings;
  /** How many connections the client closed before their answer was over. */
  readonly closedByClient: number;
  /** Answers with these, the last one for ever. */
  play(...turns: Turn[]): void;
  close(): Promise<void>;
}

export interface ScriptedServerOptions {
  /** The name that the model has in answers. */
  model?: string;
  /** Characters of a call's arguments in one chunk; default all. */
  argumentChunk?: number;
}

export async function startScriptedServer(options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
  const bodies: ScriptedServer["bodies"] = [];
  let turns: Turn[] = [];
  let closedByClient = 0;
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      bodies.push(JSON.parse(Buffer.concat(chunks).toString()) as ScriptedServer["bodies"][number]);
      response.on("close", () => {
        if (!response.writableEnded) closedByClient++;
      });
      answer(response, turns.length > 1 ? turns.shift()! : turns[0]!, options);
    });
  });
  // Node's fetch sometimes opens a connection more than it uses.
  server.on("connection", (socket) => {
    setTimeout(() => socket.bytesRead === 0 && socket.destroy(), patience(1000)).unref();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return {
    bodies,
    settings: { provider: "openai", model: "scripted", baseURL, retry: { attempts: 1 } },
    get closedByClient() {
      return closedByClient;
    },
    play(...given) {
      bodies.length = 0;
      turns = given;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(
  response: ServerResponse,
  turn: Turn,
  { model = "scripted", argumentChunk = Infinity }: ScriptedServerOptions,
): void {
  if (turn.status !== undefined) {
    response.writeHead(turn.status, { connection: "close" }).end("{}");
    return;
  }
  const send = (fields: object): void => void response.write(`data: ${JSON.stringify({ model, ...fields })}\n\n`);
  const delta = (fields: object, finish: string | null = null): void =>
    send({ choices: [{ index: 0, delta: fields, finish_reason: finish }] });
  response.writeHead(200, { "content-type": "text/event-stream", connection: "close" });
  for (const word of turn.text?.match(/\S+\s*/g) ?? []) delta({ content: word });
  if (turn.hangs) return;
  for (const [index, call] of (turn.calls ?? []).entries()) {
    const fields = { name: call.name, arguments: call.arguments.slice(0, argumentChunk) };
    delta({ tool_calls: [{ index, id: call.id ?? `call_${index}`, type: "function", function: fields }] });
    for (let at = argumentChunk; at < call.arguments.length; at += argumentChunk) {
      delta({ tool_calls: [{ index, function: { arguments: call.arguments.slice(at, at + argumentChunk) } }] });
    }
  }
  delta({}, turn.finish ?? (turn.calls ? "tool_calls" : "stop"));
  send({ choices: [], usage: turn.usage ?? { prompt_tokens: 10, completion_tokens: 2 } });
  response.end("data: [DONE]\n\n");
}
