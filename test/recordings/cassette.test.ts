import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ChatChunk, ChatRequest } from "../../src/providers/chat-provider.ts";
import { recordingProvider, replayingProvider, type ChatRecording } from "../../src/recordings/index.ts";
import { GeppettoError } from "../../src/shared/errors.ts";
import { CHUNKS, collect, ask, END, open, place, Scripted, useFolder } from "./cassette-fixture.ts";

useFolder();

describe("A cassette", () => {
  it("replays chunk by chunk what was recorded: reasoning, tool calls, empty deltas, usage", async () => {
    const cassette = await open();
    const recording = recordingProvider(new Scripted(CHUNKS), cassette);
    expect(recording.name).toBe("openai");
    expect(await collect(recording, ask("hi"))).toEqual(CHUNKS);
    await cassette.close();
    const replayed = await collect(replayingProvider(await open()), ask("hi"));
    expect(JSON.stringify(replayed)).toBe(JSON.stringify(CHUNKS));
  });

  it("replays errors as they were, chunks before them included", async () => {
    const error = new GeppettoError("ProviderError", "openai: rate limit reached (429)", {
      code: "ERR_RATE_LIMIT",
      status: 429,
      isTransient: true,
    });
    const cassette = await open();
    await expect(collect(recordingProvider(new Scripted([CHUNKS[1]!, error]), cassette), ask("hi"))).rejects.toBe(
      error,
    );
    await cassette.close();
    const chunks: ChatChunk[] = [];
    const replaying = (async () => {
      for await (const chunk of replayingProvider(await open()).stream(ask("hi"), {
        signal: new AbortController().signal,
      }))
        chunks.push(chunk);
    })();
    await expect(replaying).rejects.toMatchObject({
      name: "ProviderError",
      message: error.message,
      code: "ERR_RATE_LIMIT",
      status: 429,
      isTransient: true,
    });
    expect(chunks).toEqual([CHUNKS[1]]);
  });

  it("replays a stream that was left early, for one who leaves it again", async () => {
    const cassette = await open();
    const controller = new AbortController();
    const provider = recordingProvider(new Scripted(CHUNKS), cassette);
    for await (const chunk of provider.stream(ask("hi"), { signal: controller.signal }))
      if (chunk.type === "text") break;
    await cassette.close();
    expect((await open()).recordings).toMatchObject([{ end: "interrupted", chunks: CHUNKS.slice(0, 2) }]);
    const again = new AbortController();
    const replaying = collect(replayingProvider(await open()), ask("hi"), again.signal);
    setTimeout(() => again.abort("enough"), 20);
    await expect(replaying).rejects.toBe("enough");
  });

  it("gives a request that was made several times its answers in that order, then the last one again", async () => {
    const answers = ["a", "b", "c"].map((delta): ChatChunk[] => [{ type: "text", delta }, END]);
    const cassette = await open();
    const recording = recordingProvider(new Scripted(...answers), cassette);
    // Asked one after the other, answered in any order.
    await Promise.all(answers.map(() => collect(recording, ask("dice"))));
    await cassette.close();
    const provider = replayingProvider(await open());
    const texts: string[] = [];
    for (let i = 0; i < 5; i++) {
      const [first] = await collect(provider, ask("dice"));
      texts.push(first!.type === "text" ? first!.delta : "");
    }
    expect(texts).toEqual(["a", "b", "c", "c", "c"]);
    const once = replayingProvider(await open(), { repeats: "once" });
    for (let i = 0; i < 3; i++) await collect(once, ask("dice"));
    await expect(collect(once, ask("dice"))).rejects.toThrow(
      "was recorded 3 times in chat.cassette.json and is requested once more",
    );
  });

  it("tells requests apart by every option, and by nothing else", async () => {
    const variants: ChatRequest[] = [
      ask("hi"),
      ask("hi", { model: "n" }),
      ask("hi", { temperature: 0 }),
      ask("hi", { temperature: 1 }),
      ask("hi", { maxTokens: 1 }),
      ask("hi", { stop: ["a", "b"] }),
      ask("hi", { stop: ["ab"] }),
      ask("hi", { system: "s" }),
      ask("hi", { seed: 0 }),
      ask("hi", { tools: [{ name: "t", input: { type: "object" } }] }),
      ask("hi", { tools: [{ name: "t", input: { type: "object", properties: {} } }] }),
      ask("hi", { responseFormat: { type: "object" } }),
      {
        model: "m",
        messages: [
          { role: "user", content: "hi" },
          { role: "assistant", content: "" },
        ],
      },
      { model: "m", messages: [{ role: "system", content: "hi" }] },
    ];
    const cassette = await open();
    const recording = recordingProvider(
      new Scripted(...variants.map((_, i): ChatChunk[] => [{ type: "text", delta: String(i) }, END])),
      cassette,
    );
    for (const request of variants) await collect(recording, request);
    await cassette.close();
    const provider = replayingProvider(await open());
    for (const [i, request] of variants.entries()) {
      // Neither the order of fields nor what is undefined counts.
      const turned = Object.fromEntries(
        Object.entries({ ...request, topP: undefined }).toReversed(),
      ) as unknown as ChatRequest;
      expect(await collect(provider, turned)).toEqual([{ type: "text", delta: String(i) }, END]);
    }
  });

  it("says of a miss which recording is nearest and which field differs first", async () => {
    const cassette = await open();
    const recording = recordingProvider(new Scripted([END]), cassette);
    await collect(recording, ask("What is the capital of France?", { temperature: 0 }));
    await collect(recording, {
      model: "m",
      messages: [
        { role: "system", content: "Be short" },
        { role: "user", content: "hi" },
      ],
    });
    await cassette.close();
    const provider = replayingProvider(await open());
    const miss = (request: ChatRequest): Promise<unknown> =>
      collect(provider, request).catch((error: unknown) => error);
    expect(
      await miss({
        model: "m",
        messages: [
          { role: "system", content: "Be short" },
          { role: "user", content: "ho" },
        ],
      }),
    ).toMatchObject({
      name: "ReplayError",
      code: "ERR_REPLAY_MISS",
      message:
        'Cannot replay an answer: the request to openai:m that ends with "ho" was not recorded; the nearest of 2 in ' +
        'chat.cassette.json is recording 2, where messages[1].content differs: recorded "hi", asked "ho"',
    });
    expect(await miss(ask("What is the capital of France?", { temperature: 0.5 }))).toMatchObject({
      message: expect.stringContaining("is recording 1, where temperature differs: recorded 0, asked 0.5"),
    });
    expect(await miss(ask("What is the capital of France?", { temperature: 0, seed: 1 }))).toMatchObject({
      message: expect.stringContaining("where seed differs: recorded nothing, asked 1"),
    });
    place.file = join(place.folder, "none.cassette.json");
    await expect(collect(replayingProvider(await open()), ask("hi"))).rejects.toThrow(
      "there are no recordings in none.cassette.json",
    );
  });

  it("holds no keys, no headers, and no images, but is readable", async () => {
    const image = `data:image/png;base64,${"A".repeat(5000)}`;
    const cassette = await open();
    const key = "sk-proj-abcdefghijklmnop1234";
    const half = key.length / 2;
    const chunks: ChatChunk[] = [
      { type: "text", delta: `your key ${key.slice(0, half)}` },
      { type: "text", delta: `${key.slice(half)} ok` },
      END,
    ];
    const request = {
      ...ask(`my key is ${key}, my token Bearer abcdefgh12345678`),
      headers: { authorization: "x" },
      apiKey: "plain-secret",
      baseURL: "http://private",
    };
    request.messages.push({ role: "user", content: [{ type: "image", url: image }] });
    await collect(recordingProvider(new Scripted(chunks), cassette), request);
    await cassette.close();
    const text = readFileSync(place.file, "utf8");
    for (const secret of [key, key.slice(half), "12345678", "plain-secret", "http://private", "AAAA"])
      expect(text).not.toContain(secret);
    expect(text).toContain('"content":"my key is [redacted], my token [redacted]"');
    const [recording] = (await open()).recordings as ChatRecording[];
    expect(recording!.chunks.map((chunk) => (chunk.type === "text" ? chunk.delta : "")).join("")).toBe(
      "your key [redacted] ok",
    );
    expect(await collect(replayingProvider(await open()), request)).toHaveLength(3);
  });

  it("takes a redaction of the user's own, and keeps for as long as it is told", async () => {
    const cassette = await open({ redact: (text) => text.replaceAll("Smith", "N.N.") });
    await collect(
      recordingProvider(new Scripted([{ type: "text", delta: "Mr Smith" }, END]), cassette),
      ask("Who is Smith?"),
    );
    await cassette.close();
    expect(readFileSync(place.file, "utf8")).not.toContain("Smith");
    expect((await open({ maxAgeMs: 60_000 })).recordings).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await open({ maxAgeMs: 1 })).recordings).toHaveLength(0);
  });
});
