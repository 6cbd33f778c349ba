import type { Readable } from "node:stream";
import type { ClientOptions, Transport } from "@modelcontextprotocol/client";
import { boundedFetch } from "./messages/bounded-fetch.ts";
import { loadClient, loadStdio } from "./load-client.ts";
import { GeppettoError } from "../shared/errors.ts";
import { MessageLines } from "./messages/message-lines.ts";
import { HttpRequests, reopenInTime } from "./messages/http-requests.ts";
import { MAX_MESSAGE_BYTES, Traffic } from "./messages/message-size.ts";
import { boundInput } from "./messages/program-input.ts";
import { tellLines } from "./server-output.ts";
import type { KnownServer } from "./server-settings.ts";

/** How long a program has to end when its stdin does, in milliseconds. */
const END_MS = 300;

/** The way to a server, not begun yet. */
interface OpenTransport {
  transport: Transport;
  /** How its version of the protocol is found out. */
  options: ClientOptions;
  /** To be called when a request has its answer. */
  noteAnswer(id: unknown): void;
}

export async function openTransport({ way }: KnownServer, onLine: (line: string) => void): Promise<OpenTransport> {
  const traffic = new Traffic();
  if ("url" in way) {
    const { StreamableHTTPClientTransport } = await loadClient();
    const transport = new StreamableHTTPClientTransport(way.url, {
      requestInit: { headers: way.headers },
      fetch: boundedFetch(traffic),
      reconnectionScheduler: reopenInTime,
    });
    const requests = new HttpRequests(transport, () => traffic.noteRequest());
    const options: ClientOptions = { versionNegotiation: { mode: "auto" } };
    return { transport, options, noteAnswer: (id) => requests.noteAnswer(id) };
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
  const { deserializeMessage } = await loadClient();
  readLines(transport, new MessageLines(deserializeMessage, traffic));
  boundInput(transport, () => traffic.noteRequest());
  tellLines(transport.stderr as Readable, onLine);
  // To ask a program for the newest version would take a second process of it.
  return { transport: endsSoon(transport), options: {}, noteAnswer: () => {} };
}

/** The package reads what a program says in time that grows with the square of a line's length, and does not let us choose how. */
function readLines(transport: object, lines: MessageLines): void {
  if (!("_readBuffer" in transport && "_process" in transport)) {
    throw new GeppettoError(
      "ConfigError",
      "Cannot use MCP servers: this version of @modelcontextprotocol/client does not let their messages be bounded; install 2.4",
      { code: "ERR_MISSING_PACKAGE" },
    );
  }
  // oxlint-disable-next-line no-underscore-dangle -- the name is the package's
  transport._readBuffer = lines;
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
