import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { ChatChunk, ChatProvider, ChatRequest } from "../../src/providers/chat-provider.ts";
import { Cassette, type CassetteOptions } from "../../src/recordings/index.ts";

export const END: ChatChunk = {
  type: "end",
  stopReason: "stop",
  providerStopReason: "stop",
  engine: "m-1",
  usage: { inputTokens: 3, outputTokens: 2 },
};
export const CHUNKS: ChatChunk[] = [
  { type: "reasoning", delta: "hm" },
  { type: "text", delta: "Hel" },
  { type: "text", delta: "" },
  { type: "text", delta: "lo 😀" },
  { type: "tool-call", toolCall: { id: "t1", name: "clock", input: { z: 1, a: [2] } } },
  END,
];

/** Answers with what it is given, call after call. */
export class Scripted implements ChatProvider {
  readonly name = "openai";
  calls = 0;
  readonly #answers: (readonly (ChatChunk | Error)[])[];

  constructor(...answers: (readonly (ChatChunk | Error)[])[]) {
    this.#answers = answers;
  }

  async *stream(_: ChatRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ChatChunk, void, undefined> {
    for (const chunk of this.#answers[Math.min(this.calls++, this.#answers.length - 1)]!) {
      await Promise.resolve();
      signal.throwIfAborted();
      if (chunk instanceof Error) throw chunk;
      yield chunk;
    }
  }
}

export const ask = (text: string, more: Partial<ChatRequest> = {}): ChatRequest => ({
  model: "m",
  messages: [{ role: "user", content: text }],
  ...more,
});

export async function collect(
  provider: ChatProvider,
  request: ChatRequest,
  signal = new AbortController().signal,
): Promise<ChatChunk[]> {
  const chunks: ChatChunk[] = [];
  for await (const chunk of provider.stream(request, { signal })) chunks.push(chunk);
  return chunks;
}

/** Where the cassette of the present test is, and what was logged. */
export const place = { folder: "", file: "", log: [] as string[] };

/** Opens the cassette of the present test. */
export const open = (options: CassetteOptions = {}): Promise<Cassette> =>
  Cassette.open(place.file, {
    logger: { warn: (text) => void place.log.push(text), error: (text) => void place.log.push(text) },
    ...options,
  });

/** Gives each test a folder of its own. */
export function useFolder(): void {
  beforeEach(() => {
    place.folder = mkdtempSync(join(tmpdir(), "geppetto-cassette-"));
    place.file = join(place.folder, "chat.cassette.json");
    place.log = [];
  });
  afterEach(() => rmSync(place.folder, { recursive: true, force: true }));
}
