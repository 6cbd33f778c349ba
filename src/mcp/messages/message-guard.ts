import type { isSpecType, Transport } from "@modelcontextprotocol/client";
import { isLarge, shortenFlaws } from "./answer-shape.ts";
import { faultOf } from "./message-size.ts";

/** Messages that nobody has asked for: so many at once, and so many more each second. */
const BURST = 10_000;
const PER_SECOND = 1_000;
/** Longest id of a request of a server's, in characters: its answer repeats it. */
const MAX_ID = 1_000;

/** How far the work for a request has come, as the protocol tells it. */
export interface Progress {
  progress: number;
  total?: number;
  message?: string;
}

/** A line of a server's log. */
export interface ServerLog {
  level: string;
  logger?: string;
  data: unknown;
}

/** Who watches the messages of a server. */
export interface MessageWatch {
  /** The server as a whole is of no use any more: told once for each reason. */
  onFault(reason: string): void;
  onProgress(token: unknown, progress: Progress): void;
  onLog(log: ServerLog): void;
  /** A request has its answer. */
  onAnswer(id: unknown): void;
  /** Tells what is what, as the protocol's package does. */
  types: typeof isSpecType;
}

/** What a server sends of its own accord. */
interface Incoming {
  id?: unknown;
  method?: unknown;
  params?: Record<string, unknown>;
}

/** Thrown for messages of which the protocol's package is not to hear. */
const TAKEN = new Error("The message has been taken");

/**
 * Watches what a server sends before the protocol's package sees it. It ends connections that flood, or have sent a message
 * that is too large. Progress and logs are told here: the package tells them late, and progress not at all where the answer
 * follows at once.
 */
export function guardMessages(
  transport: Transport,
  { onFault, onProgress, onLog, onAnswer, types }: MessageWatch,
): void {
  let room = BURST;
  let lastTime = performance.now();
  const isTooMany = (): boolean => {
    const now = performance.now();
    room = Math.min(BURST, room + ((now - lastTime) * PER_SECOND) / 1000);
    lastTime = now;
    if (--room >= 0) return false;
    onFault(`sends more than ${BURST} messages that nobody has asked for`);
    return true;
  };
  // oxlint-disable unicorn/prefer-add-event-listener -- the package calls what stands here before its own
  transport.onmessage = (message) => {
    if ("result" in message || "error" in message) {
      const flaw = "result" in message ? shortenFlaws(message.result, types) : undefined;
      if (flaw === undefined) return onAnswer(message.id);
      onFault(flaw);
      throw TAKEN;
    }
    if (isTooMany()) throw TAKEN;
    const { id, method, params = {} } = message as Incoming;
    if (typeof id === "string" && id.length > MAX_ID) {
      onFault(`sends ids of more than ${MAX_ID} characters`);
      throw TAKEN;
    }
    if (method === "notifications/progress") {
      const progress = parseProgress(params);
      if (progress !== undefined) onProgress(params["progressToken"], progress);
    } else if (method === "notifications/message") onLog(parseLog(params));
    else if (isLarge(params)) onFault("asks with too many values");
    else return;
    throw TAKEN;
  };
  transport.onerror = (error) => {
    if (error === TAKEN) return;
    const fault = faultOf(error);
    if (fault === undefined) isTooMany();
    else onFault(fault);
  };
}

function parseProgress({ progress, total, message }: Record<string, unknown>): Progress | undefined {
  if (typeof progress !== "number") return undefined;
  return {
    progress,
    ...(typeof total === "number" ? { total } : {}),
    ...(typeof message === "string" ? { message } : {}),
  };
}

function parseLog({ level, logger, data = null }: Record<string, unknown>): ServerLog {
  return { level: typeof level === "string" ? level : "info", ...(typeof logger === "string" ? { logger } : {}), data };
}
