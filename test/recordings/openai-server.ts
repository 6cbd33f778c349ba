import { createServer, type Server, type ServerResponse } from "node:http";

/**
 * A server that speaks OpenAI's chat protocol: answers with the last message in small pieces, or as it says. Its vectors
 * have three numbers, which change with every request.
 */
export class OpenAIServer {
  requests = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<OpenAIServer> {
    const server = createServer((request, response) => {
      started.requests++;
      let body = "";
      request.on("data", (chunk) => (body += String(chunk)));
      request.on("end", () => {
        if (request.url?.endsWith("/embeddings") === true) embed(JSON.parse(body) as EmbeddingBody, started, response);
        else answer(JSON.parse(body) as ChatBody, response);
      });
    });
    const started = new OpenAIServer(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return started;
  }

  get baseURL(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}/v1`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

interface ChatBody {
  messages: { role: string; content: string }[];
}

interface EmbeddingBody {
  input: string | string[];
}

function refuse(response: ServerResponse): void {
  response.writeHead(400, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: { message: "the prompt is not to my taste", type: "invalid_request_error" } }));
}

function embed({ input }: EmbeddingBody, { requests }: OpenAIServer, response: ServerResponse): void {
  if (input === "fail") return refuse(response);
  const data = [input]
    .flat()
    .map((text, index) => ({ index, embedding: [text.length / 3, requests, Math.sin(index)] }));
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ object: "list", model: "e-2026", data, usage: { prompt_tokens: 1, total_tokens: 1 } }));
}

function answer({ messages }: ChatBody, response: ServerResponse): void {
  const last = messages.at(-1)!.content;
  if (last === "fail") {
    refuse(response);
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (delta: object, finish: string | null = null): void => {
    const chunk = {
      id: "c1",
      object: "chat.completion.chunk",
      model: "m-2026",
      choices: [{ index: 0, delta, finish_reason: finish }],
    };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  if (last === "clock") {
    const call = { index: 0, id: "call_1", type: "function", function: { name: "clock", arguments: '{"zone":"UTC"}' } };
    send({ role: "assistant", tool_calls: [call] });
    send({}, "tool_calls");
  } else {
    for (const piece of last.match(/.{1,3}/gsu) ?? []) send({ content: piece });
    send({}, "stop");
  }
  response.write(
    `data: ${JSON.stringify({ id: "c1", model: "m-2026", choices: [], usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 } })}\n\n`,
  );
  response.end("data: [DONE]\n\n");
}
