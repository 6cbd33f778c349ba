import { GeppettoError } from "../../shared/errors.ts";
import type { Middleware } from "../handler.ts";

/**
 * Makes whatever a handler or an inner middleware throws, a bare string included, an Error with a message and a code,
 * so that those further out can rely on one. The router itself survives every failure without it.
 */
export function recoverer(): Middleware {
  return (next) => async (message, context) => {
    try {
      return await next(message, context);
    } catch (error) {
      if (error instanceof GeppettoError) throw error;
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      throw new GeppettoError("StepError", `The handler "${context.handler}" threw ${text}`, { cause: error });
    }
  };
}
