import { setTimeout as sleep } from "node:timers/promises";
import { GeppettoError } from "../../../shared/errors.ts";
import { endOfStreamElement, errorElement, type StreamElement } from "../../elements/element.ts";
import type { ElementReader, ElementWriter, Stage, StageContext } from "../../stage.ts";
import { type ConnectionOptions, SocketConnection, type WebSocketLike } from "./socket-connection.ts";
import { type AudioForm, createFrameDecoder, createFrameEncoder, type DecodeFrame } from "./socket-frames.ts";
import { refuseWrong, type FieldsOf } from "../../../shared/wrong-option.ts";

export interface WebSocketOptions {
  /**
   * The socket, open or about to be, for one execution; or what makes one for each. What a socket receives is kept from
   * the moment in which the stage is made.
   */
  socket: WebSocketLike | (() => WebSocketLike | Promise<WebSocketLike>);
  /** What the other side's binary frames are, before it says so; default PCM16, 16,000 Hz, one channel. */
  audio?: AudioForm;
  /**
   * Is the other side one of ours? Default false: its metadata come as `metadata.remote`, its priorities do not count,
   * and its messages have to be the user's.
   */
  trusted?: boolean;
  /** Longest message; default 1 MB. A longer one ends the connection with code 1009. */
  maxMessageBytes?: number;
  /** Bytes of messages that may wait; default 4 MB. Then the socket is paused; one that cannot be is closed, 1013. */
  maxQueuedBytes?: number;
  /** Bytes that may wait to leave before the pipeline waits; default 256 kB. */
  highWaterBytes?: number;
  /** Pause between pings, where the socket can send them; default 30,000 ms, 0 for none. */
  pingIntervalMs?: number;
  /** How long the other side may say nothing after the input has ended, and take for its farewell; default 5,000 ms. */
  lingerMs?: number;
}

const DEFAULTS: Omit<ConnectionOptions, "receives"> = {
  maxMessageBytes: 1_000_000,
  maxQueuedBytes: 4_000_000,
  highWaterBytes: 256_000,
  pingIntervalMs: 30_000,
};
const DEFAULT_AUDIO: AudioForm = { format: "pcm16", sampleRate: 16_000, channels: 1 };
const DEFAULT_LINGER_MS = 5_000;
/** How long a farewell may take when the stage is to stop. */
const STOP_MS = 150;

const SOCKET_FIELDS: FieldsOf<WebSocketOptions> = {
  socket: true,
  audio: true,
  trusted: true,
  maxMessageBytes: "amount",
  maxQueuedBytes: "amount",
  highWaterBytes: "amount",
  pingIntervalMs: "pause",
  lingerMs: "pause",
};

/**
 * Connects a pipeline with what is at the other end of a WebSocket: elements go out as frames, frames come in as
 * elements, both at once. JSON in text frames, `{kind, text|message|…, metadata?}`; audio as bare samples in binary
 * frames, after a text frame `{kind: "audio-format", audio: {format, sampleRate, channels}}` where that is news.
 *
 * It ends when the other side has closed, and when both sides have come to the end of their streams; when its input has
 * ended and nothing has come for `lingerMs`, it closes. A frame that cannot be read is an error element. A connection that breaks (any code but
 * 1000, 1001 and 1005) ends the execution; nothing reconnects. The stage closes its socket: 1000 at the end, 1001 when it
 * is told to stop, 1011 after a failure, or 4000 and the last three digits where a socket allows no others.
 *
 * @example
 * const remote = webSocketBridge("remote", { socket: () => new WebSocket("wss://speech.example.com"), trusted: true });
 */
export function webSocketBridge(name: string, options: WebSocketOptions): Stage {
  const take = connectionsOf(name, options, true);
  const { lingerMs = DEFAULT_LINGER_MS } = options;
  return {
    name,
    type: "bidirectional",
    async process(input, output, context) {
      const connection = await take(context);
      const decode = await decoderOf(options);
      await closing(connection, lingerMs, context, async () => {
        const idle = new IdleClock();
        const received = receiveAll(connection, decode, output, context, idle);
        const sent = sendAll(connection, input, true, context);
        const first = await Promise.race([
          received.then((end) => ({ end })),
          sent.then((hasSentAll) => ({ end: hasSentAll ? undefined : "closed" })),
        ]);
        sent.catch(() => {});
        // The other side has left: there is nobody to send the rest to.
        if (first.end === "closed") return void (await received);
        if (first.end === "end-of-stream") return void (await Promise.race([sent, connection.closed(context.signal)]));
        received.catch(() => {});
        await Promise.race([received, idle.lasts(lingerMs)]).finally(() => idle.stop());
      });
    },
  };
}

/** What comes from a socket, as {@link webSocketBridge} reads it. It leaves closing to another, or to who made it. */
export function webSocketSource(name: string, options: WebSocketOptions): Stage {
  const take = connectionsOf(name, options, true);
  return {
    name,
    type: "generate",
    accepts: [],
    maxInputs: 0,
    async process(_, output, context) {
      const connection = await take(context);
      try {
        await receiveAll(connection, await decoderOf(options), output, context);
      } finally {
        connection.release();
      }
    },
  };
}

/** Sends everything to a socket, as {@link webSocketBridge} does, and closes it. */
export function webSocketSink(name: string, options: WebSocketOptions): Stage {
  const take = connectionsOf(name, options, false);
  const { lingerMs = DEFAULT_LINGER_MS } = options;
  return {
    name,
    type: "sink",
    async process(input, _, context) {
      const connection = await take(context);
      await closing(connection, lingerMs, context, async () => {
        const sent = sendAll(connection, input, false, context);
        sent.catch(() => {});
        await Promise.race([sent, connection.closed(context.signal)]);
      });
    },
  };
}

type TakeConnection = (context: StageContext) => Promise<SocketConnection>;

function connectionsOf(name: string, options: WebSocketOptions, receives: boolean): TakeConnection {
  refuseWrong(`make stage "${name}"`, options, SOCKET_FIELDS);
  const { socket } = options;
  const given = Object.entries(DEFAULTS).map(([key, value]) => [key, options[key as keyof typeof DEFAULTS] ?? value]);
  const settings = { ...(Object.fromEntries(given) as typeof DEFAULTS), receives };
  if (typeof socket === "function")
    return async () => new SocketConnection(requireSocket(name, await socket()), settings);
  // Connected now: what comes before the execution begins is not lost.
  let connection: SocketConnection | undefined = new SocketConnection(requireSocket(name, socket), settings);
  return async () => {
    const own = connection;
    connection = undefined;
    if (own !== undefined) return own;
    throw new GeppettoError(
      "StageError",
      `Cannot execute stage "${name}" again: its socket has served one execution; give it a function that makes one`,
    );
  };
}

function requireSocket(name: string, socket: WebSocketLike): WebSocketLike {
  const { addEventListener, send } = (socket ?? {}) as Partial<WebSocketLike>;
  if (typeof addEventListener === "function" && typeof send === "function") return socket;
  throw new TypeError(`Cannot make stage "${name}": socket must be a WebSocket, or a function that makes one`);
}

function decoderOf({ audio = DEFAULT_AUDIO, trusted = false }: WebSocketOptions): Promise<DecodeFrame> {
  return createFrameDecoder({ audio, trusted });
}

/** How the other side's stream ended: it said so, or the connection is closed. */
async function receiveAll(
  connection: SocketConnection,
  decode: DecodeFrame,
  output: ElementWriter,
  { signal }: StageContext,
  idle?: IdleClock,
): Promise<"closed" | "end-of-stream"> {
  for (;;) {
    const frame = await connection.receive(signal);
    idle?.restart();
    if (frame === undefined) return "closed";
    let element: StreamElement | undefined;
    try {
      element = decode(frame);
    } catch (error) {
      element = errorElement(error as Error);
    }
    if (element === undefined) continue;
    await output.write(element);
    if (element.kind === "end-of-stream") return "end-of-stream";
  }
}

/** False when the other side has left before the end. */
async function sendAll(
  connection: SocketConnection,
  input: ElementReader,
  sendsEnd: boolean,
  { signal }: StageContext,
): Promise<boolean> {
  const encode = createFrameEncoder();
  let hasSentEnd = !sendsEnd;
  const send = async (element: StreamElement): Promise<boolean> => {
    for (const frame of encode(element)) if (!(await connection.send(frame, signal))) return false;
    return true;
  };
  for await (const element of input) {
    if (!(await send(element))) return false;
    if (element.kind === "end-of-stream") hasSentEnd = true;
  }
  return hasSentEnd || (await send(endOfStreamElement()));
}

/** Measures how long nothing has come. */
class IdleClock {
  #since = 0;
  readonly #stopped = new AbortController();

  restart(): void {
    this.#since = performance.now();
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** Resolves when nothing has come for so long, from now on. */
  async lasts(ms: number): Promise<void> {
    this.restart();
    const { signal } = this.#stopped;
    for (let left = ms; left > 0 && !signal.aborted; left = this.#since + ms - performance.now()) {
      await sleep(left, undefined, { signal }).catch(() => {});
    }
  }
}

/** Does the work and says farewell, whatever comes of it. */
async function closing(
  connection: SocketConnection,
  lingerMs: number,
  { signal }: StageContext,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
    // Before that no farewell can be said, and nobody knows whether anybody is there.
    await connection.opened(signal);
    await connection.drained(signal);
    // What has left may still be on its way to a slow reader.
    await connection.close(1000, "", lingerMs);
  } catch (error) {
    const isAborted = signal.aborted && (error as { name?: unknown })?.name === "AbortError";
    const [code, reason] = isAborted
      ? ([1001, "the pipeline has stopped"] as const)
      : ([1011, "the pipeline has failed"] as const);
    await connection.close(code, reason, STOP_MS);
    throw error;
  }
}
