import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it } from "vitest";
import { fetchOwnBytes } from "../../src/base/bytes/own-bytes.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

const PIECES = 2000;
const EXTENSION_BYTES = 60_000;
/** One byte of a body, and much about it. */
const PIECE = `1;${"x".repeat(EXTENSION_BYTES)}\r\n.\r\n`;

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

/** A server that says much about each byte, and where it is. */
async function wordyServer(): Promise<{ url: string; sent: Promise<void> }> {
  const sockets = new Set<Socket>();
  let hasSent = (): void => {};
  const sent = new Promise<void>((resolve) => (hasSent = resolve));
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.once("data", () => void answer(socket).then(hasSent));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push({
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, sent };
}

async function answer(socket: Socket): Promise<void> {
  socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (let i = 0; i < PIECES; i++) if (!socket.write(PIECE)) await once(socket, "drain");
}

/** How much more the buffers of this process hold when everything has been sent and nothing read, in bytes. */
async function held(fetch: typeof globalThis.fetch): Promise<number> {
  const { url, sent } = await wordyServer();
  gc();
  const before = process.memoryUsage().arrayBuffers;
  const abort = new AbortController();
  const response = await fetch(url, { signal: abort.signal });
  await sent;
  // What is collected is swept beside it: it may still be counted for a while.
  let bytes = Infinity;
  for (let i = 0; i < 10; i++) {
    gc();
    bytes = Math.min(bytes, process.memoryUsage().arrayBuffers - before);
    await setImmediate();
  }
  const reader = response.body!.getReader();
  expect((await reader.read()).value).toEqual(new Uint8Array([0x2e]));
  abort.abort();
  await expect(reader.read()).rejects.toThrow(/abort/);
  return bytes;
}

describe("fetchOwnBytes()", () => {
  it("holds what waits to be read, and not what came with it", async () => {
    const sentBytes = PIECES * EXTENSION_BYTES;
    expect(await held(fetchOwnBytes)).toBeLessThan(sentBytes / 10);
    // Else it would not be known what the test shows.
    expect(await held(globalThis.fetch)).toBeGreaterThan(sentBytes / 2);
  });

  it("asks through what the caller or the app has chosen", async () => {
    const asked: unknown[] = [];
    const dispatcher = {
      dispatch: ({ path }: { path: string }) => {
        asked.push(path);
        throw new Error("not this way");
      },
    };
    await expect(
      fetchOwnBytes("http://example.invalid/here", { dispatcher } as unknown as RequestInit),
    ).rejects.toThrow("fetch failed");
    expect(asked).toEqual(["/here"]);
  });
});
