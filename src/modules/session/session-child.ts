/**
 * The process that reads the code of a session: what is in it can make a parser hang or fill its memory, and nothing else
 * with it. It ends with its parent.
 */
import { readCode } from "./read-code.ts";
import type { Reading, ReadingAnswer, ReadingOrder } from "./session-messages.ts";

process.on("message", (order: ReadingOrder) => void work(order));

// The process that does its work may hang: it is of the same group.
process.on("disconnect", () => process.kill(-process.pid, "SIGKILL"));

async function work({ id, name, code }: ReadingOrder): Promise<void> {
  const reading = await readCode(name, code).catch(toBroken);
  const answer: ReadingAnswer = { ...reading, id };
  if (process.connected) process.send!(answer);
}

function toBroken(error: unknown): Reading {
  const isDeep = error instanceof RangeError;
  const message = isDeep ? "it is nested too deeply" : "it cannot be read";
  return { broken: { message, line: 1, column: 1, isTyped: true, isIncomplete: false } };
}
