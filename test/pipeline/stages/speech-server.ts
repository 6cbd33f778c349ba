/** A server that speaks OpenAI's speech protocol. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SpeechRequest {
  path: string;
  authorization: string | undefined;
  body: Record<string, unknown>;
}

export interface SpeechServer {
  baseURL: string;
  /** What was asked, in order. */
  readonly requests: SpeechRequest[];
  /** Connections that the client closed before their answer was over. */
  readonly closedByClient: number;
  /** How the next requests are answered, in order; the last answers all that follow. */
  answer(...answers: ((response: ServerResponse) => void)[]): void;
  close(): Promise<void>;
}

export async function startSpeechServer(): Promise<SpeechServer> {
  const requests: SpeechRequest[] = [];
  let closedByClient = 0;
  let answers: ((response: ServerResponse) => void)[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      const { authorization } = request.headers;
      requests.push({ path: request.url ?? "", authorization, body: JSON.parse(text) as Record<string, unknown> });
      response.on("close", () => {
        if (!response.writableEnded) closedByClient++;
      });
      (answers.length > 1 ? answers.shift()! : answers[0]!)(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    get closedByClient() {
      return closedByClient;
    },
    answer: (...given) => {
      answers = given;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Samples in chunks of these lengths. */
export function pcm(...lengths: number[]): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(200, { "content-type": "audio/pcm" });
    let value = 0;
    const next = (): void => {
      const length = lengths.shift();
      if (length === undefined) response.end();
      else response.write(Buffer.from(Array.from({ length }, () => value++ % 256)), () => setImmediate(next));
    };
    next();
  };
}

export function failure(status: number, message: string): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: { message } }));
  };
}
