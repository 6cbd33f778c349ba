/** The recordings of real provider traffic, and the server that plays them; found through GEPPETTO_SHARED. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ChatProvider } from "../../src/providers/chat-provider.ts";
import type { Fetch } from "../../src/providers/sdk/watched-fetch.ts";
import { createChatProvider } from "../../src/providers/create-chat-provider.ts";
import type { ModelSettings } from "../../src/providers/settings.ts";

export interface Recording {
  name: string;
  file: string;
  api: "chat.completions" | "messages" | "embeddings" | "responses";
  status: number;
  bytes: number;
  expectedOutcome: "final" | "error";
  expectedText?: string;
  expectedReasoning?: string;
  expectedThinking?: string;
  expectedToolCalls?: { id: string; name: string; input: unknown }[];
  expectedStopReason?: string | null;
  expectedUsage?: Record<string, number> | null;
  expectedModel?: string;
  expectedError?: { status?: number; message: string };
  expectedEmbeddings?: { dims: number; first5: number[]; last: number }[];
}

export interface ReplayRequest {
  headers: Record<string, string | undefined>;
  body: Record<string, unknown>;
  /** The answer was sent to its end. */
  done: boolean;
  closedByClient: boolean;
  closedAt?: number;
}

export interface ReplayServer {
  openaiBaseURL: string;
  anthropicBaseURL: string;
  requests: ReplayRequest[];
  reset(): void;
  close(): Promise<void>;
}

export const sharedFolder: string | undefined = process.env["GEPPETTO_SHARED"];
if (!sharedFolder) console.warn("SKIPPED: set GEPPETTO_SHARED to play the recordings of real provider traffic");

export function loadRecordings(): Recording[] {
  if (!sharedFolder) return [];
  const folder = join(sharedFolder, "fixtures");
  const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as { name: string; bytes: number }[];
  return index.map(({ name, bytes }) => ({
    ...(JSON.parse(readFileSync(join(folder, `${name}.meta.json`), "utf8")) as Recording),
    bytes,
  }));
}

export async function startReplay(): Promise<ReplayServer> {
  const { startReplayServer } = (await import(pathToFileURL(join(sharedFolder!, "tools/replay-server.mjs")).href)) as {
    startReplayServer(options: { fixtures: string }): Promise<ReplayServer>;
  };
  return startReplayServer({ fixtures: join(sharedFolder!, "fixtures") });
}

export function providerFor(
  server: ReplayServer,
  { api }: Pick<Recording, "api">,
  settings: Partial<ModelSettings> = {},
  fetch?: Fetch,
): ChatProvider {
  const isOpenAI = api !== "messages";
  return createChatProvider(
    {
      provider: isOpenAI ? "openai" : "anthropic",
      apiKey: "test-key-12345",
      baseURL: isOpenAI ? server.openaiBaseURL : server.anthropicBaseURL,
      retry: { attempts: 1 },
      ...(api === "responses" ? { api } : {}),
      ...settings,
    },
    { env: {}, ...(fetch ? { fetch } : {}) },
  );
}

/** A `fetch` whose bodies come one byte at a time. */
export const fetchByteByByte: Fetch = async (input, init) => {
  const response = await globalThis.fetch(input, init);
  const bytes = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      for (let at = 0; at < chunk.length; at++) controller.enqueue(chunk.slice(at, at + 1));
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body?.pipeThrough(bytes) ?? null, { status, statusText, headers });
};
