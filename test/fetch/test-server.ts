import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A server on loopback whose routes a test gives. Counts what it is asked. */
export class TestServer implements AsyncDisposable {
  readonly #server: Server;
  readonly asked: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[] = [];
  /** Connections that are open. */
  open = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(routes: Record<string, RequestListener>): Promise<TestServer> {
    const server = createServer((request, response) => {
      void (async () => {
        let body = "";
        for await (const chunk of request) body += String(chunk);
        const { method = "", url = "", headers } = request;
        started.asked.push({ method, url, headers, body });
        const route = routes[url.split("?")[0]!];
        if (route === undefined) response.writeHead(404).end("nothing here");
        else route(request, response);
      })();
    });
    const started: TestServer = new TestServer(server);
    server.on("connection", (socket) => {
      started.open++;
      socket.on("close", () => void started.open--);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return started;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
