import type { Middleware } from "../handler.ts";

/** Handles every message twice, one after the other, and publishes what both made: shows whether a handler can bear it. */
export function duplicator(): Middleware {
  return (next) => async (message, context) => {
    const first = await next(message, context);
    const second = await next(message, context);
    return [...first, ...second];
  };
}
