import type { Middleware } from "../handler.ts";

export const CORRELATION_ID = "correlation_id";

/**
 * Gives what a handler returns the correlation id of the message that it handled, so that a chain of messages can be
 * followed; where that has none, its uuid. A message that has one keeps it.
 */
export function correlationId(): Middleware {
  return (next) => async (message, context) => {
    const id = message.metadata[CORRELATION_ID] ?? message.uuid;
    const outgoing = await next(message, context);
    return outgoing.map((made) => ({ ...made, metadata: { [CORRELATION_ID]: id, ...made.metadata } }));
  };
}
