import type { ChatChunk, ChatProvider, EndChunk, ToolCallChunk } from "../../src/providers/chat-provider.ts";

export interface Collected {
  chunks: ChatChunk[];
  text: string;
  reasoning: string;
  refusal: string;
  calls: ToolCallChunk[];
  end: EndChunk | undefined;
  error: unknown;
}

/** Reads a stream to its end or error and checks nothing. */
export async function collect(
  provider: ChatProvider,
  model: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<Collected> {
  const chunks: ChatChunk[] = [];
  let error: unknown;
  try {
    for await (const chunk of provider.stream({ model, messages: [{ role: "user", content: "hi" }] }, { signal })) {
      chunks.push(chunk);
    }
  } catch (thrown) {
    error = thrown;
  }
  const join = (type: "text" | "reasoning" | "refusal"): string =>
    chunks.map((chunk) => (chunk.type === type ? chunk.delta : "")).join("");
  return {
    chunks,
    text: join("text"),
    reasoning: join("reasoning"),
    refusal: join("refusal"),
    calls: chunks.filter((chunk) => chunk.type === "tool-call"),
    end: chunks.find((chunk) => chunk.type === "end"),
    error,
  };
}
