import type { Readable } from "node:stream";
import type { ClientOptions, Transport } from "@modelcontextprotocol/client";
import { boundedFetch } from "./bounded-fetch.ts";
import { loadClient, loadStdio } from "./load-client.ts";
import { MAX_MESSAGE_BYTES } from "./message-guard.ts";
import { tellLines } from "./server-output.ts";
import type { KnownServer } from "./server-settings.ts";

/** How long a program has to end when its stdin does, in milliseconds. */
const END_MS = 300;

/** The way to a server, not begun yet, and how its version of the protocol is found out. */
export async function openTransport(
  { way }: KnownServer,
  onLine: (line: string) => void,
): Promise<{ transport: Transport; options: ClientOptions }> {
  if ("url" in way) {
    const { StreamableHTTPClientTransport } = await loadClient();
    const transport = new StreamableHTTPClientTransport(way.url, {
      requestInit: { headers: way.headers },
      fetch: boundedFetch(MAX_MESSAGE_BYTES),
    });
    return { transport, options: { versionNegotiation: { mode: "auto" } } };
  }
  const { StdioClientTransport } = await loadStdio();
  const { command, args = [], env, cwd } = way;
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    stderr: "pipe",
    maxBufferSize: MAX_MESSAGE_BYTES,
    ...(env === undefined ? {} : { env: { ...env } }),
    ...(cwd === undefined ? {} : { cwd }),
  });
  tellLines(transport.stderr as Readable, onLine);
  // To ask a program for the newest version would take a second process of it.
  return { transport: endsSoon(transport), options: {} };
}

/** A program that does not end with its stdin is told to, sooner than the protocol's package does. */
function endsSoon<T extends Transport & { readonly pid: number | null }>(transport: T): T {
  const close = transport.close.bind(transport);
  transport.close = async () => {
    const { pid } = transport;
    const timer = pid === null ? undefined : setTimeout(() => tell(pid), END_MS);
    try {
      await close();
    } finally {
      clearTimeout(timer);
    }
  };
  return transport;
}

function tell(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch {
    // It has ended.
  }
}
