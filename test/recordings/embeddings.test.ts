import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { setupDefaults, type SetupFunction } from "../../src/index.ts";
import type { EmbeddingProvider } from "../../src/providers/embedding-provider.ts";
import {
  Cassette,
  recordingEmbeddings,
  recordingProvider,
  replayingEmbeddings,
  replayingProvider,
  RunLog,
} from "../../src/recordings/index.ts";
import { CHUNKS, collect, ask, open, place as files, Scripted, useFolder } from "./cassette-fixture.ts";
import { place, run, usePlace, type Result } from "./replay-fixture.ts";

const { signal } = new AbortController();

/** Embeds texts as their lengths, and counts. */
class Lengths implements EmbeddingProvider {
  readonly name: string = "openai";
  readonly asked: string[][] = [];
  fails = false;
  readonly #dimensions: number;

  constructor(dimensions = 3) {
    this.#dimensions = dimensions;
  }

  model(): { name: string; dimensions: number } {
    return { name: "lengths", dimensions: this.#dimensions };
  }

  embed(texts: string[], options: { signal: AbortSignal }): Promise<Float32Array[]> {
    this.asked.push(texts);
    if (options.signal.aborted) return Promise.reject(options.signal.reason as Error);
    if (this.fails) return Promise.reject(new Error("not today, Bearer abcdefghijklmnop"));
    return Promise.resolve(texts.map((text) => new Float32Array([text.length / 3, NaN, -0])));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Never to be asked for vectors. */
class Silent extends Lengths {
  override embed(): Promise<never> {
    throw new Error("somebody was asked");
  }
}

describe("recorded embeddings", () => {
  useFolder();

  it("come back to the bit, whatever the batch, and nobody is asked", async () => {
    const batches = [["one"], ["one", "three", ""], Array.from({ length: 300 }, (_, i) => "x".repeat(i))];
    const given: Float32Array[][] = [];
    {
      await using cassette = await open();
      const recording = recordingEmbeddings(new Lengths(), cassette);
      for (const texts of batches) given.push(await recording.embed(texts, { signal }));
      expect(recording.model()).toEqual({ name: "lengths", dimensions: 3 });
    }
    const replaying = replayingEmbeddings(new Silent(), await open());
    expect([replaying.name, replaying.model()]).toEqual(["openai", { name: "lengths", dimensions: 3 }]);
    for (const [index, texts] of batches.entries()) {
      const vectors = await replaying.embed(texts, { signal });
      const bits = (list: Float32Array[]): string[] => list.map((vector) => Buffer.from(vector.buffer).toString("hex"));
      expect(bits(vectors)).toEqual(bits(given[index]!));
      vectors[0]!.fill(9);
      expect(bits(await replaying.embed(texts, { signal }))).toEqual(bits(given[index]!));
    }
    // An empty text is a space to every provider.
    await expect(replaying.embed(["one", "three", " "], { signal })).resolves.toHaveLength(3);
  });

  it("are readable: the texts, and a vector for each as base64 of little-endian floats", async () => {
    {
      await using cassette = await open();
      await recordingEmbeddings(new Lengths(), cassette).embed(["one", "sixsix"], { signal });
    }
    const [head, ...lines] = readFileSync(files.file, "utf8").trim().split("\n");
    expect(head).toBe('{"format":"geppetto-cassette/2"}');
    const recordings = lines.map((line) => JSON.parse(line) as { request: object; vectors: string[] });
    expect(recordings).toMatchObject([
      {
        request: { provider: "openai", model: "lengths", dimensions: 3, texts: ["one", "sixsix"] },
        dimensions: 3,
        end: "complete",
      },
    ]);
    expect(recordings[0]!.vectors).toEqual(["AACAPwAAwH8AAACA", "AAAAQAAAwH8AAACA"]);
  });

  it("stand beside chats, whose cassettes of before still load, and neither answers for the other", async () => {
    const request = ask("hello");
    {
      await using cassette = await open();
      await collect(recordingProvider(new Scripted(CHUNKS), cassette), request);
    }
    {
      await using cassette = await open();
      expect(cassette.recordings).toHaveLength(1);
      await recordingEmbeddings(new Lengths(), cassette).embed(["hello"], { signal });
    }
    const cassette = await open();
    expect(await collect(replayingProvider(cassette), request)).toEqual(CHUNKS);
    await expect(replayingEmbeddings(new Silent(), cassette).embed(["hello"], { signal })).resolves.toHaveLength(1);
    const { recordings } = cassette;
    const chats = Cassette.inMemory(recordings.slice(0, 1));
    await expect(replayingEmbeddings(new Silent(), chats).embed(["hello"], { signal })).rejects.toThrow(
      "Cannot replay an answer: there are no recorded embeddings in memory",
    );
    await expect(collect(replayingProvider(Cassette.inMemory(recordings.slice(1))), request)).rejects.toThrow(
      "Cannot replay an answer: there are no recordings in memory",
    );
    expect(files.log).toEqual([]);
  });

  it("that are missing name the nearest and what differs", async () => {
    await using cassette = await open();
    await collect(recordingProvider(new Scripted(CHUNKS), cassette), ask("a chat"));
    const recording = recordingEmbeddings(new Lengths(), cassette);
    await recording.embed(["one", "two", "three"], { signal });
    await recording.embed(["four"], { signal });
    const missing = async (texts: string[], provider = new Silent()): Promise<unknown> =>
      replayingEmbeddings(provider, cassette)
        .embed(texts, { signal })
        .catch((error: unknown) => error);
    expect(await missing(["one", "2", "three"])).toMatchObject({
      name: "ReplayError",
      code: "ERR_REPLAY_MISS",
      message:
        'Cannot replay an answer: the request to openai:lengths for the vector of "one" and 2 more was not recorded; ' +
        'the nearest of 3 in chat.cassette.json is recording 2, where texts[1] differs: recorded "two", asked "2"',
    });
    expect(await missing(["four"], new Silent(8))).toMatchObject({
      message: expect.stringMatching(/"four" was not .* recording 3, where dimensions differs: recorded 3, asked 8$/),
    });
    expect(await missing(["four", "five"])).toMatchObject({
      message: expect.stringMatching(/recording 3, where texts\[1\] differs: recorded nothing, asked "five"$/),
    });
  });

  it("of one request come in their order, and then the last one again, or none", async () => {
    const cassette = Cassette.inMemory();
    const inner = new Lengths();
    let count = 0;
    inner.embed = () => Promise.resolve([new Float32Array([++count, 0, 0])]);
    const recording = recordingEmbeddings(inner, cassette);
    for (let i = 0; i < 2; i++) await recording.embed(["same"], { signal });
    const replaying = replayingEmbeddings(new Silent(), cassette);
    const seen: number[] = [];
    for (let i = 0; i < 3; i++) seen.push((await replaying.embed(["same"], { signal }))[0]![0]!);
    expect(seen).toEqual([1, 2, 2]);
    const once = replayingEmbeddings(new Silent(), cassette, { repeats: "once" });
    for (let i = 0; i < 2; i++) await once.embed(["same"], { signal });
    await expect(once.embed(["same"], { signal })).rejects.toThrow(
      "was recorded 2 times in memory and is requested once more",
    );
  });

  it("keep failures and aborts, and no secrets of texts and errors", async () => {
    const secret = "sk-abcdefghijklmnop";
    {
      await using cassette = await open();
      const inner = new Lengths();
      const recording = recordingEmbeddings(inner, cassette);
      await recording.embed([`my key ${secret}`], { signal });
      inner.fails = true;
      await expect(recording.embed(["fail"], { signal })).rejects.toThrow("not today");
      await expect(recording.embed(["late"], { signal: AbortSignal.abort() })).rejects.toThrow();
    }
    const text = readFileSync(files.file, "utf8");
    expect(text).not.toContain(secret);
    expect(text).not.toContain("abcdefghijklmnop");
    const replaying = replayingEmbeddings(new Silent(), await open());
    await expect(replaying.embed([`my key ${secret}`], { signal })).resolves.toHaveLength(1);
    await expect(replaying.embed(["fail"], { signal })).rejects.toThrow("not today, [redacted]");
    await expect(replaying.embed(["fail"], { signal: AbortSignal.abort(new Error("mine")) })).rejects.toThrow("mine");
    const controller = new AbortController();
    const late = replaying.embed(["late"], { signal: controller.signal });
    setImmediate(() => controller.abort(new Error("now")));
    await expect(late).rejects.toThrow("now");
  });

  it("that are damaged are named and never served", async () => {
    {
      await using cassette = await open();
      const recording = recordingEmbeddings(new Lengths(), cassette);
      for (const text of ["good", "b", "c", "d", "e", "f"]) await recording.embed([text], { signal });
    }
    const [head, ...lines] = readFileSync(files.file, "utf8").trim().split("\n");
    const recordings = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const damages: Record<string, unknown>[] = [
      { vectors: ["AACAPwAAwH8AAAC"] },
      { vectors: ["not base64 at all"] },
      { vectors: [] },
      { dimensions: 4 },
      { vectors: "AACAPwAAwH8AAACA" },
    ];
    for (const [index, damage] of damages.entries()) Object.assign(recordings[index + 1]!, damage);
    writeFileSync(files.file, [head, ...recordings.map((recording) => JSON.stringify(recording))].join("\n"));
    const cassette = await open();
    expect(cassette.recordings.map(({ request }) => request["texts"])).toEqual([["good"]]);
    expect(files.log).toEqual([
      "Skipping 5 damaged recordings of chat.cassette.json: line 3: vectors[0] does not have 3 dimensions",
    ]);
    await expect(replayingEmbeddings(new Silent(), cassette).embed(["c"], { signal })).rejects.toThrow(
      "was not recorded",
    );
  });
});

const SCRIPT = `
  const { name, dimensions } = embeddings.getModel();
  console.log(name, dimensions);
  const show = (vector) => console.log(vector instanceof Float32Array, [...vector].join());
  show(embeddings.generateEmbedding("Grüße, 世界 😀"));
  show(await embeddings.generateEmbeddingAsync("again"));
  console.log(embeddings.getModel().dimensions);
  for (const vector of await embeddings.generateEmbeddings(["one", "", "one", "again"])) show(vector);
  const step = embeddings.createStep();
  const all = await Promise.all([step.startAsync("first"), step.startAsync("second"), step.startAsync(["third", "again"])]);
  for (const [vector] of all) show(vector);
  for await (const event of step.events(["a", "b"])) console.log(event.type, event.delta ?? event.text ?? "");
  try { await step.startAsync("fail") } catch (error) { console.log(error.name, error.code, error.message) }
  await new Promise((resolve) => embeddings.generateEmbeddingWithCallbacks("by callback", { onSuccess: (vector) => resolve(show(vector)) }));
  const [answer] = await new ChatStepFactory().newStep().startAsync("and a chat");
  console.log(String(answer), embeddings.cosineSimilarity(all[0][0], all[1][0]));
`;

describe("A script with embeddings that was recorded against a server", () => {
  usePlace();
  const setupOver = (cassette: Cassette, isReplay: boolean): SetupFunction =>
    setupDefaults({
      chat: place.settings,
      embeddings: { ...place.settings, model: "e" },
      env: {},
      wrap: (provider) =>
        isReplay ? replayingProvider(cassette, { name: provider.name }) : recordingProvider(provider, cassette),
      wrapEmbeddings: (provider) =>
        isReplay ? replayingEmbeddings(provider, cassette) : recordingEmbeddings(provider, cassette),
    });

  it.each(["process", "thread"] as const)(
    "prints the same bytes and publishes the same events with the server down, 20 times of 20, in a %s",
    async (isolation) => {
      const file = join(place.folder, "script.cassette.json");
      let recorded: Result;
      {
        await using cassette = await Cassette.open(file);
        recorded = await run(setupOver(cassette, false), SCRIPT, isolation);
      }
      expect(recorded.stdout).toContain("e 0\ntrue 4,1,0\n");
      expect(recorded.stdout).toContain("the prompt is not to my taste");
      expect(recorded.stdout).toContain("and a chat");
      expect(readFileSync(file, "utf8")).not.toMatch(/sk-test|127\.0\.0\.1/);
      await place.server.stop();
      for (let i = 0; i < 20; i++) {
        const replayed = await run(setupOver(await Cassette.open(file), true), SCRIPT, isolation);
        expect(replayed.stdout).toBe(recorded.stdout);
        expect(replayed.runs).toEqual(recorded.runs);
      }
    },
  );

  it("is replayed from the log of runs", async () => {
    using log = RunLog.open(join(place.folder, "runs.sqlite"));
    const cassette = Cassette.inMemory();
    const recorded = await run(setupOver(cassette, false), SCRIPT);
    await log.begin({ script: "script.js", source: SCRIPT }).end({ ok: true }, { recordings: cassette.recordings });
    await place.server.stop();
    const { source, recordings } = log.show("last")!;
    const replayed = await run(setupOver(Cassette.inMemory(recordings), true), source!);
    expect(replayed.stdout).toBe(recorded.stdout);
  });
});
