import type { Writable } from "node:stream";
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { UNREAD } from "./message-size.ts";

/** What a program may leave unread of its stdin, in characters: of requests, and with the answers to its own. */
const MAX_UNREAD = 16_000_000;
const MAX_UNREAD_ANSWERS = 4 * MAX_UNREAD;

/**
 * Writes messages to a program, as long as it reads them. What waits for a program that does not read lies in this process,
 * also where whoever has asked has long given up.
 *
 * @param onRequest is told of each message that may be answered
 */
export function boundInput(transport: Transport, onRequest: () => void): void {
  const send = transport.send.bind(transport);
  transport.send = async (message) => {
    const stdin = stdinOf(transport);
    // Says that it is not there.
    if (stdin === undefined) return send(message);
    const waiting = stdin.writableLength;
    if (!("method" in message)) {
      if (waiting > MAX_UNREAD_ANSWERS) return transport.onerror?.(new Error(UNREAD));
    } else if (waiting > MAX_UNREAD) {
      if ("id" in message) throw new Error(UNREAD);
      // What says that nobody waits any more may be left out.
      return;
    }
    if ("method" in message && "id" in message) onRequest();
    write(stdin, message);
  };
}

/** Nobody waits until it is read: the package would, with a listener for each message. */
function write(stdin: Writable, message: JSONRPCMessage): void {
  stdin.write(`${JSON.stringify(message)}\n`);
}

function stdinOf(transport: Transport): Writable | undefined {
  // oxlint-disable-next-line no-underscore-dangle -- the name is the package's
  return (transport as { _process?: { stdin?: Writable | null } })._process?.stdin ?? undefined;
}
