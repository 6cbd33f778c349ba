import { type AddressInfo, connect, type Socket } from "node:net";
import { type WebSocket as ServerSocket, WebSocketServer } from "ws";

export interface SocketServer {
  url: string;
  port: number;
  /** The server's side of the next connection. */
  next(): Promise<ServerSocket>;
  close(): Promise<void>;
}

export async function startSocketServer(): Promise<SocketServer> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  const arrived: ServerSocket[] = [];
  const wanted: ((socket: ServerSocket) => void)[] = [];
  server.on("connection", (socket) => {
    const take = wanted.shift();
    if (take === undefined) arrived.push(socket);
    else take(socket);
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}`,
    port,
    next: () =>
      new Promise((resolve) => {
        const socket = arrived.shift();
        if (socket === undefined) wanted.push(resolve);
        else resolve(socket);
      }),
    close: async () => {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A server that gives every frame back, as fast as it is taken. */
export async function startEchoServer(): Promise<SocketServer> {
  const server = await startSocketServer();
  const serve = async (): Promise<void> => {
    for (;;) echo(await server.next());
  };
  void serve();
  return server;
}

/** A server that says what it has to say to everybody, and then that this was all. */
export async function startTellingServer(texts: readonly string[]): Promise<SocketServer> {
  const server = await startSocketServer();
  const serve = async (): Promise<void> => {
    for (;;) {
      const socket = await server.next();
      for (const text of texts) socket.send(JSON.stringify({ kind: "text", text }));
      socket.send('{"kind":"end-of-stream"}');
    }
  };
  void serve();
  return server;
}

function echo(socket: ServerSocket): void {
  socket.on("error", () => {});
  socket.on("message", (data, isBinary) => {
    socket.pause();
    socket.send(data as Buffer, { binary: isBinary }, () => socket.resume());
  });
}

/** What a client sees until the socket has closed: text frames read, binary ones by their length, and the code. */
export async function watch(socket: WebSocket): Promise<{ frames: unknown[]; code: number; reason: string }> {
  const frames: unknown[] = [];
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }: { data: string | ArrayBuffer }) => {
    frames.push(typeof data === "string" ? (JSON.parse(data) as unknown) : data.byteLength);
  });
  const { promise, resolve } = Promise.withResolvers<{ frames: unknown[]; code: number; reason: string }>();
  socket.addEventListener("close", ({ code, reason }) => resolve({ frames, code, reason }));
  return promise;
}

export async function opened(socket: WebSocket): Promise<WebSocket> {
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
  return socket;
}

/** A connection of bare bytes, for what no client would send. */
export async function rawClient(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  socket.write(
    `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once("data", resolve));
  return socket;
}
