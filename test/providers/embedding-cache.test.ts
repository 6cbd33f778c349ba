import { createServer, type Server } from "node:http";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createEmbeddingProvider } from "../../src/providers/create-embedding-provider.ts";
import type { EmbeddingProvider } from "../../src/providers/embedding-provider.ts";
import { EmbeddingReranker } from "../../src/providers/reranker.ts";
import { Semaphore } from "../../src/base/semaphore.ts";

const { signal } = new AbortController();
let server: Server;
let asked: string[][] = [];
let open = 0;
let most = 0;
let status = 200;

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    most = Math.max(most, ++open);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { input } = JSON.parse(Buffer.concat(chunks).toString()) as { input: string | string[] };
      const texts = [input].flat();
      asked.push(texts);
      setTimeout(() => {
        open--;
        response.writeHead(status, { "content-type": "application/json" });
        const data = texts.map((text, index) => ({ index, embedding: [text.length, text.charCodeAt(0) || 0] }));
        response.end(JSON.stringify(status === 200 ? { data } : { error: { message: "no" } }));
      }, 10);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  [asked, open, most, status] = [[], 0, 0, 200];
});

function provider(settings: object = {}): EmbeddingProvider {
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return createEmbeddingProvider(
    { provider: "openai", model: "tiny", baseURL, retry: { attempts: 1 }, ...settings },
    { env: {} },
  );
}

describe("the cache of embeddings", () => {
  it("asks for each text once, also within one call, and gives copies", async () => {
    const cached = provider();
    const [a, b, again] = await cached.embed(["a", "bb", "a"], { signal });
    expect([[...a!], [...b!], [...again!]]).toEqual([
      [1, 97],
      [2, 98],
      [1, 97],
    ]);
    a![0] = 99;
    expect([...(await cached.embed(["a"], { signal }))[0]!]).toEqual([1, 97]);
    await cached.embed(["bb", "c"], { signal });
    expect(asked).toEqual([["a", "bb"], ["c"]]);
  });

  it("forgets what was used longest ago, and may be switched off", async () => {
    const small = provider({ cacheEntries: 2 });
    for (const text of ["a", "b", "a", "c", "a", "b"]) await small.embed([text], { signal });
    expect(asked.flat()).toEqual(["a", "b", "c", "b"]);
    const off = provider({ cacheEntries: 0 });
    await off.embed(["z"], { signal });
    await off.embed(["z"], { signal });
    expect(asked.flat().slice(4)).toEqual(["z", "z"]);
  });

  it("keeps nothing of a failure", async () => {
    const cached = provider();
    status = 400;
    await expect(cached.embed(["a"], { signal })).rejects.toMatchObject({ name: "ProviderError" });
    status = 200;
    expect(await cached.embed(["a"], { signal })).toHaveLength(1);
  });

  it("on disk serves another process, for the same model and address only, from private files", async () => {
    const folder = join(mkdtempSync(join(tmpdir(), "vectors-")), "cache");
    try {
      await provider({ cacheFolder: folder }).embed(["a"], { signal });
      expect([...(await provider({ cacheFolder: folder }).embed(["a"], { signal }))[0]!]).toEqual([1, 97]);
      expect(asked).toHaveLength(1);
      await provider({ cacheFolder: folder, model: "other" }).embed(["a"], { signal });
      expect(asked).toHaveLength(2);
      const files = readdirSync(folder);
      expect(files).toHaveLength(2);
      expect(statSync(join(folder, files[0]!)).mode & 0o777).toBe(0o600);
      for (const file of files) writeFileSync(join(folder, file), "broken!");
      await provider({ cacheFolder: folder }).embed(["a"], { signal });
      expect(asked).toHaveLength(3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("whose folder cannot be written does no harm", async () => {
    expect(await provider({ cacheFolder: "/dev/null/x" }).embed(["a"], { signal })).toHaveLength(1);
  });
});

describe("batches of embeddings", () => {
  it("go out at most so many at once, and their vectors keep the order of the texts", async () => {
    const texts = Array.from({ length: 25 }, (_, index) => "x".repeat(index + 1));
    const vectors = await provider({ batchSize: 4, maxConcurrency: 2 }).embed(texts, { signal });
    expect(vectors.map(([length]) => length)).toEqual(texts.map(({ length }) => length));
    expect(asked).toHaveLength(7);
    expect(most).toBe(2);
  });

  it("end with the first failure", async () => {
    status = 400;
    const texts = Array.from({ length: 40 }, (_, index) => `t${index}`);
    await expect(provider({ batchSize: 2, maxConcurrency: 2 }).embed(texts, { signal })).rejects.toMatchObject({
      code: "ERR_BAD_REQUEST",
    });
    expect(asked.length).toBeLessThan(5);
  });

  it("stop at an abort, with its reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    setTimeout(() => controller.abort(reason), 15);
    const texts = Array.from({ length: 40 }, (_, index) => `t${index}`);
    await expect(
      provider({ batchSize: 2, maxConcurrency: 2 }).embed(texts, { signal: controller.signal }),
    ).rejects.toBe(reason);
    expect(asked.length).toBeLessThan(8);
  });
});

describe("EmbeddingReranker", () => {
  it("puts the documents that mean the same first", async () => {
    const embedded = createEmbeddingProvider({ provider: "embedded" }, { env: {} });
    try {
      const documents = [
        "The train leaves at nine.",
        "Cats like to sleep in the sun.",
        "A kitten naps on the warm roof.",
      ];
      const ranked = await new EmbeddingReranker(embedded).rank("Where do cats rest?", documents, { topN: 2 });
      expect(ranked.map(({ index }) => index)).toEqual([1, 2]);
      expect(ranked[0]!.score).toBeGreaterThan(ranked[1]!.score);
      expect(await new EmbeddingReranker(embedded).rank("x", [])).toEqual([]);
    } finally {
      await embedded.close();
    }
  });
});

describe("Semaphore", () => {
  it("hands its places over in order, skips who has left, and counts a release once", async () => {
    const places = new Semaphore(1);
    const order: string[] = [];
    const release = await places.acquire(signal);
    const leaving = new AbortController();
    const second = places.acquire(leaving.signal);
    const third = places.acquire(signal).then((free) => (order.push("third"), free));
    leaving.abort(new Error("gone"));
    await expect(second).rejects.toThrow("gone");
    release();
    release();
    const free = await third;
    const fourth = places.acquire(signal).then((next) => (order.push("fourth"), next));
    expect(order).toEqual(["third"]);
    free();
    (await fourth)();
    expect(order).toEqual(["third", "fourth"]);
  });
});
