import type { Message } from "../message.ts";
import type { Middleware } from "../handler.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

export interface DeduplicatorOptions {
  /** What makes two messages the same; default their uuid. */
  key?: (message: Message) => string;
  /** How long a message is remembered; default 60,000. */
  ttlMs?: number;
  /** Most messages that are remembered, the oldest is forgotten first; default 10,000. */
  maxKeys?: number;
}

/**
 * Handles a message once: a second one that is the same is acked without being handled. Only what was handled with
 * success is remembered; one that comes while the first is under way waits for how that ends. Handlers have a memory each.
 */
export function deduplicator(options: DeduplicatorOptions = {}): Middleware {
  refuseWrong("find messages that came before", options, { key: true, ttlMs: "amountOrNone", maxKeys: "amountOrNone" });
  const { key: keyOf = ({ uuid }) => uuid, ttlMs = 60_000, maxKeys = 10_000 } = options;
  return (next) => {
    /** Until when each is remembered; in order of insertion, which is that of expiry. */
    const seen = new Map<string, number>();
    const underWay = new Map<string, Promise<unknown>>();
    const remembers = (key: string): boolean => {
      const now = performance.now();
      for (const [old, until] of seen) {
        if (until > now && seen.size <= maxKeys) break;
        seen.delete(old);
      }
      return seen.has(key);
    };
    return async (message, context) => {
      const key = keyOf(message);
      for (let first = underWay.get(key); first !== undefined; first = underWay.get(key)) await first.catch(() => {});
      if (remembers(key)) return [];
      const handled = next(message, context);
      underWay.set(key, handled);
      try {
        const outgoing = await handled;
        seen.set(key, performance.now() + ttlMs);
        return outgoing;
      } finally {
        underWay.delete(key);
      }
    };
  };
}
