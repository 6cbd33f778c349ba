import { setImmediate as pause } from "node:timers/promises";
import type { ChatChunk, ChatProvider, ChatRequest } from "../../../src/providers/chat-provider.ts";

/**
 * A model whose answer depends on what it is asked alone, however often that is. To "call NAME(JSON); …" it calls these
 * tools, and then says their results; of anything else it says each word.
 */
export class RequestChat implements ChatProvider {
  readonly name = "request";
  calls = 0;

  async *stream(request: ChatRequest): AsyncGenerator<ChatChunk, void, undefined> {
    this.calls++;
    const last = request.messages.at(-1);
    const user = request.messages.findLast(({ role }) => role === "user");
    const asked = typeof user?.content === "string" ? user.content : "";
    const wanted = [...asked.matchAll(/(\w+)\((\{[^}]*\})\)/g)];
    const isAnswered = last?.role === "tool";
    if (asked.startsWith("call ") && !isAnswered) {
      for (const [place, [, name, input]] of wanted.entries()) {
        await pause();
        const toolCall = { id: `call-${place + 1}`, name: name!, input: JSON.parse(input!) as Record<string, unknown> };
        yield { type: "tool-call", toolCall };
      }
      yield end("tool-calls", request);
      return;
    }
    const results = request.messages.flatMap(({ role, content }) =>
      role === "tool" && typeof content === "string" ? [content] : [],
    );
    const text = isAnswered ? `tools said ${results.join(" and ")}` : `you said ${asked}`;
    for (const word of text.split(/(?<= )/)) {
      await pause();
      yield { type: "text", delta: word };
    }
    yield end("stop", request);
  }
}

function end(stopReason: "stop" | "tool-calls", { model }: ChatRequest): ChatChunk {
  return {
    type: "end",
    stopReason,
    providerStopReason: stopReason,
    engine: model || "request",
    usage: { inputTokens: 1, outputTokens: 2 },
  };
}
