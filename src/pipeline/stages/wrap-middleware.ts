import { abortable } from "../../base/abortable.ts";
import { isControl, messageElement, type PipelineMessage, type StreamElement } from "../elements/element.ts";
import type { Stage } from "../stage.ts";
import { toJsonSafeRecord } from "./state/json-safe.ts";
import { MessageAssembler } from "./chat/message-assembler.ts";

/** What a middleware sees of an exchange, and may change. */
export interface MiddlewareContext {
  /** The exchange's messages, in order; texts are the user's. */
  messages: PipelineMessage[];
  /** An answer; it goes last. */
  response: PipelineMessage | undefined;
  /** What the exchange's elements tell, taken together: plain JSON. What it is afterwards goes with every message. */
  metadata: Record<string, unknown>;
  /** Aborted when the stage is to stop. */
  readonly signal: AbortSignal;
}

/** A link of a chain: does something, calls the rest, does something more. */
export type Middleware = (context: MiddlewareContext, next: () => Promise<void>) => void | Promise<void>;

/**
 * Makes a stage of a middleware. It collects an exchange, up to an `end-of-turn`, calls the middleware once, and hands on the messages and the
 * response that it leaves. The rest of the chain are the stages after it, so `next()` does nothing here: what comes after
 * it in the middleware runs before those stages and not after them. Audio, video and tool calls pass as they are, before
 * the messages.
 *
 * @example
 * const polite = wrapMiddleware("polite", async (context, next) => {
 *   context.messages.unshift({ role: "system", text: "Be polite." });
 *   await next();
 * });
 */
export function wrapMiddleware(name: string, middleware: Middleware): Stage {
  return {
    name,
    type: "accumulate",
    async process(input, output, { signal }) {
      const content = new MessageAssembler();
      let messages: PipelineMessage[] = [];
      let metadata: Record<string, unknown> = {};
      const add = (elements: readonly Extract<StreamElement, { kind: "message" }>[]): void => {
        for (const { message } of elements) messages.push(message);
      };
      const endExchange = async (): Promise<void> => {
        add(content.end());
        if (messages.length === 0) return;
        const context: MiddlewareContext = {
          messages,
          response: undefined,
          metadata: toJsonSafeRecord(metadata),
          signal,
        };
        messages = [];
        metadata = {};
        await abortable((async () => middleware(context, async () => {}))(), signal);
        const left = toJsonSafeRecord(context.metadata);
        const { response } = context;
        const all =
          response === undefined ? context.messages : [...context.messages.filter((m) => m !== response), response];
        for (const message of all) await output.write(messageElement(message, { metadata: left }));
      };
      for await (const element of input) {
        if (isControl(element)) {
          if (element.kind === "end-of-turn" || element.kind === "end-of-stream") await endExchange();
          await output.write(element);
        } else if (["text", "message", "image", "parts"].includes(element.kind)) {
          metadata = { ...metadata, ...element.metadata };
          add(content.push(element));
        } else await output.write(element);
      }
      await endExchange();
    },
  };
}
