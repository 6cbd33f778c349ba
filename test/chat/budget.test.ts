import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Budget } from "../../src/providers/cost/budget.ts";
import { BudgetedChat } from "../../src/providers/cost/budgeted-chat.ts";
import type { ChatChunk, ChatProvider } from "../../src/providers/chat-provider.ts";
import { createChatProvider } from "../../src/providers/create-chat-provider.ts";
import { createEmbeddingProvider } from "../../src/providers/create-embedding-provider.ts";
import { DEFAULT_CHAT_MODELS } from "../../src/providers/vendors.ts";
import { LIST_PRICES, LIST_PRICES_DATE } from "../../src/providers/cost/list-prices.ts";
import { costOf } from "../../src/providers/cost/price-table.ts";
import { resolveProviderSettings } from "../../src/providers/settings.ts";
import { BudgetedEmbeddings } from "../../src/providers/cost/budgeted-embeddings.ts";
import { runChat } from "./run-chat.ts";
import { startScriptedServer, type ScriptedServer } from "./scripted-server.ts";
import { patience } from "../machine/patience.ts";

const { signal } = new AbortController();
const PRICES = { scripted: { input: 1_000_000, output: 2_000_000 } };

describe("a budget", () => {
  let server: ScriptedServer;
  beforeAll(async () => {
    server = await startScriptedServer();
  });
  afterAll(() => server.close());

  it("of calls refuses the call that is one too many, for tools' rounds and repairs too, and a script may catch that", async () => {
    server.play({ text: "a", calls: [{ name: "t", arguments: "{}" }] }, { text: "b" });
    const budget = new Budget({ maxCalls: 3 });
    const { value } = await runChat(
      `const t = { name: "t", run: () => 1 }; const got = [];
      got.push(await chat("1", { tools: [t] }), await chat("2"));
      for (const ask of ["3", "4"]) await chat(ask).catch((e) => got.push(e.name, e.code));
      export default got;`,
      { chat: server.settings, budget },
    );
    expect(value).toEqual(["b", "b", "LimitError", "ERR_LIMIT_CALLS", "LimitError", "ERR_LIMIT_CALLS"]);
    expect(server.bodies).toHaveLength(3);
    expect(budget.spent).toEqual({ calls: 3, tokens: 36, cost: 0 });
  });

  it("of tokens bounds the answer by what is left, and refuses the next call", async () => {
    server.play({ text: "a" });
    const { error } = await runChat(`await chat("12345678"); await chat("12345678"); await chat("never");`, {
      chat: server.settings,
      budget: new Budget({ maxTokens: 24 }),
    });
    expect(error).toMatchObject({ name: "LimitError", code: "ERR_LIMIT_TOKENS" });
    expect(error!.message).toBe(
      "The script exceeded its limit of 24 tokens; raise it with limits.maxTokens or --max-tokens",
    );
    expect(server.bodies.map(({ max_tokens }) => max_tokens)).toEqual([22, 10]);
  });

  it("of tokens fails the very call that goes over it", async () => {
    server.play({ text: "a", usage: { prompt_tokens: 100, completion_tokens: 5 } });
    const { error } = await runChat(`await chat("x");`, {
      chat: server.settings,
      budget: new Budget({ maxTokens: 50 }),
    });
    expect(error).toMatchObject({ code: "ERR_LIMIT_TOKENS" });
  });

  it("of cost counts by the price table, which the messages' metadata show too", async () => {
    server.play({ text: "a" });
    const budget = new Budget({ maxCost: 20 });
    const { value } = await runChat(
      `const [m] = await new ChatStepFactory().newStep().startAsync("x");
      let code; try { await chat("y"); } catch (e) { code = e.code; } export default [m.metadata.cost, code];`,
      { chat: { ...server.settings, prices: PRICES }, budget },
    );
    expect(value).toEqual([14, "ERR_LIMIT_COST"]);
    expect(budget.spent).toEqual({ calls: 2, tokens: 24, cost: 28 });
  });

  it("of cost refuses a model without a price before anything is asked; local servers and the demo model cost nothing", async () => {
    server.play({ text: "a" });
    const budget = new Budget({ maxCost: 1 });
    const away = { ...server.settings, baseURL: "https://models.invalid/v1" };
    const { error } = await runChat(`await chat("x");`, { chat: away, budget });
    expect(error).toMatchObject({ name: "ConfigError", code: "ERR_NO_PRICE" });
    expect(budget.spent.calls).toBe(0);
    const local = await runChat(
      `const [m] = await new ChatStepFactory().newStep().startAsync("x"); export default [String(m), "cost" in m.metadata];`,
      { chat: server.settings, budget },
    );
    expect(local.value).toEqual(["a", false]);
    expect(budget.spent.cost).toBe(0);
    expect(
      (await runChat(`export default await chat("echo: ok");`, { budget: new Budget({ maxCost: 1 }) })).value,
    ).toBe("ok");
  });

  it("of concurrency lets the others wait", async () => {
    let open = 0;
    let most = 0;
    const { value } = await runChat(
      `export default (await Promise.all([1, 2, 3, 4].map((i) => chat("slow: 20ms\\necho: " + i)))).join();`,
      {
        budget: new Budget({ concurrency: 2 }),
      },
    );
    expect(value).toBe("1,2,3,4");
    const budget = new Budget({ concurrency: 2 });
    await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const release = await budget.begin(signal);
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 5));
        open--;
        release();
      }),
    );
    expect(most).toBe(2);
  });

  it("counts what a broken stream has cost, and frees its place", async () => {
    const budget = new Budget({ concurrency: 1, maxTokens: 1000 });
    const provider: ChatProvider = createChatProvider(
      { ...server.settings, idleTimeoutMs: patience(300) },
      { env: {}, budget },
    );
    server.play({ text: "12345678", hangs: true });
    const request = { model: "", messages: [{ role: "user" as const, content: "12345678" }] };
    await expect(
      (async () => {
        for await (const _ of provider.stream(request, { signal }));
      })(),
    ).rejects.toMatchObject({ code: "ERR_PROVIDER_TIMEOUT" });
    expect(budget.spent).toEqual({ calls: 1, tokens: 4, cost: 0 });
    server.play({ text: "ok" });
    for await (const _ of provider.stream(request, { signal }));
    expect(budget.spent.calls).toBe(2);
  });

  it("counts what a script gives up before a word of the answer has come", async () => {
    const budget = new Budget({ maxTokens: 1_000 });
    const provider = createChatProvider(server.settings, { env: {}, budget });
    server.play({ hangs: true });
    const leaving = new AbortController();
    const request = { model: "", messages: [{ role: "user" as const, content: "x".repeat(400) }] };
    const asked = provider.stream(request, { signal: leaving.signal }).next();
    const before = server.bodies.length;
    while (server.bodies.length === before) await new Promise((resolve) => setImmediate(resolve));
    leaving.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
    expect(budget.spent.tokens).toBe(100);
  });

  it("counts what is under way, so that many at a time spend no more than one after the other", async () => {
    const budget = new Budget({ maxTokens: 1_000 });
    let begun = 0;
    const answers: (() => void)[] = [];
    const slow: ChatProvider = {
      name: "slow",
      async *stream(): AsyncGenerator<ChatChunk> {
        begun++;
        await new Promise<void>((resolve) => answers.push(resolve));
        for (let i = 0; i < 100; i++) yield { type: "text", delta: "x".repeat(400) };
        yield { type: "end", stopReason: "stop", providerStopReason: "stop", engine: "slow" };
      },
    };
    const provider = new BudgetedChat(slow, budget, { model: "m" });
    const request = { model: "", messages: [{ role: "user" as const, content: "x".repeat(400) }] };
    const all = Array.from({ length: 100 }, async () => {
      for await (const _ of provider.stream(request, { signal }));
    });
    const settled = Promise.allSettled(all);
    while (begun < 10) await new Promise((resolve) => setImmediate(resolve));
    for (const answer of answers) answer();
    const codes = (await settled).map((one) => one.status === "rejected" && (one.reason as { code: string }).code);
    expect(begun).toBe(10);
    expect(codes).toEqual(Array(100).fill("ERR_LIMIT_TOKENS"));
    expect(budget.spent.tokens).toBeLessThan(4_000);
    await expect(budget.begin(signal)).rejects.toMatchObject({ code: "ERR_LIMIT_TOKENS" });
  });

  it("of cost likewise", async () => {
    const budget = new Budget({ maxCost: 1 });
    const prices = { m: { input: 1_000, output: 1_000 } };
    const endless: ChatProvider = {
      name: "endless",
      async *stream(): AsyncGenerator<ChatChunk> {
        for (;;) yield { type: "text", delta: "x".repeat(400) };
      },
    };
    const provider = new BudgetedChat(endless, budget, { model: "m", prices });
    const request = { model: "", messages: [{ role: "user" as const, content: "x" }] };
    const reading = async (): Promise<void> => {
      for await (const _ of provider.stream(request, { signal }));
    };
    await expect(reading()).rejects.toMatchObject({ code: "ERR_LIMIT_COST" });
    expect(budget.spent.cost).toBeLessThan(2.5);
  });

  it("leaves nothing of what was estimated when a call is over, counted, failed or refused", async () => {
    const budget = new Budget({ maxTokens: 1_000, maxCost: 1 });
    server.play({ text: "a" }, { status: 500 }, { text: "a" });
    const provider = createChatProvider({ ...server.settings, prices: PRICES }, { env: {}, budget });
    const ask = async (content: string): Promise<void> => {
      for await (const _ of provider.stream({ model: "", messages: [{ role: "user", content }] }, { signal }));
    };
    await ask("x").catch(() => {});
    await ask("x").catch(() => {});
    await ask("x".repeat(100_000)).catch(() => {});
    const { tokens } = budget.spent;
    expect(budget.tokensLeft).toBe(1_000 - tokens);
  });

  it("of calls is that of requests, also of the batches of one call for embeddings and of what is sent again", async () => {
    let requests = 0;
    const answering = createServer((_, response) => {
      requests++;
      response.writeHead(requests === 1 ? 503 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify({ data: [{ index: 0, embedding: [1, 2] }] }));
    });
    await new Promise<void>((resolve) => answering.listen(0, "127.0.0.1", resolve));
    try {
      const budget = new Budget({ maxCalls: 5 });
      const baseURL = `http://127.0.0.1:${(answering.address() as AddressInfo).port}/v1`;
      const settings = { provider: "openai", model: "m", baseURL, batchSize: 1, retry: { baseMs: 1 } };
      const provider = createEmbeddingProvider(settings, { env: {}, budget });
      const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`);
      await expect(provider.embed(texts, { signal })).rejects.toMatchObject({ code: "ERR_LIMIT_CALLS" });
      expect(requests).toBeLessThanOrEqual(5);
      expect(budget.spent.calls).toBe(5);
      expect(budget.spent.tokens).toBeGreaterThan(0);
    } finally {
      answering.closeAllConnections();
      answering.close();
    }
  });

  it("holds for embeddings too", async () => {
    const vectors = {
      name: "x",
      model: () => ({ name: "m", dimensions: 1 }),
      embed: async (texts: string[]) => texts.map(() => new Float32Array(1)),
      close: async () => {},
    };
    const budgeted = new BudgetedEmbeddings(vectors, new Budget({ maxCalls: 1 }), undefined);
    expect(await budgeted.embed(["12345678"], { signal })).toHaveLength(1);
    await expect(budgeted.embed(["x"], { signal })).rejects.toMatchObject({ code: "ERR_LIMIT_CALLS" });
  });
});

describe("list prices", () => {
  const tokens = { inputTokens: 1_000_000, outputTokens: 1_000_000 };

  it("count for well-known models, and their dated names, where the user says no other", () => {
    expect(costOf(tokens, "gpt-5-mini", undefined)).toBe(2.25);
    expect(costOf(tokens, "gpt-5-mini-2025-08-07", undefined)).toBe(2.25);
    expect(costOf(tokens, "claude-sonnet-5", {})).toBe(12);
    expect(costOf(tokens, "claude-haiku-4-5-20251001", {})).toBe(6);
    expect(costOf(tokens, "gpt-5-mini", { "gpt-*": { input: 1, output: 1 } })).toBe(2);
    expect(costOf(tokens, "gpt-5-mini-of-somebody", undefined)).toBeUndefined();
    expect(costOf(tokens, "gpt-5-mini", undefined, { isLocal: true })).toBeUndefined();
  });

  it("have a price for every default model, none negative, and say their day", () => {
    for (const [provider, model] of Object.entries(DEFAULT_CHAT_MODELS)) {
      if (provider !== "embedded") expect(LIST_PRICES).toHaveProperty([model]);
    }
    for (const price of Object.values(LIST_PRICES))
      for (const amount of Object.values(price)) expect(amount).toBeGreaterThanOrEqual(0);
    expect(Number.isNaN(Date.parse(LIST_PRICES_DATE))).toBe(false);
  });

  it.each([
    ["http://127.0.0.1:11434/v1", true],
    ["http://localhost:8080/v1", true],
    ["http://[::1]/v1", true],
    ["https://localhost.example.com/v1", false],
    ["https://api.openai.com/v1", false],
  ])("%s is local: %s", (baseURL, isLocal) => {
    expect(resolveProviderSettings({ provider: "openai", baseURL }, {}).isLocal).toBe(isLocal);
  });
});

describe("costOf()", () => {
  const prices = {
    "gpt-5*": { input: 1, output: 10, cachedInput: 0.1 },
    "gpt-5-mini*": { input: 2, output: 4 },
    claude: { input: 3, output: 15, cachedInput: 0.3, cacheWrite: 4 },
  };
  it("takes the longest fitting name, and cached tokens as each vendor counts them", () => {
    const million = 1_000_000;
    expect(costOf({ inputTokens: million, outputTokens: 0 }, "gpt-5-mini-2026", prices)).toBe(2);
    expect(
      costOf({ inputTokens: million, outputTokens: million, cachedTokens: million / 2 }, "gpt-5", prices),
    ).toBeCloseTo(10.55);
    expect(
      costOf(
        { inputTokens: million, outputTokens: 0, cacheReadInputTokens: million, cacheCreationInputTokens: million },
        "claude",
        prices,
      ),
    ).toBeCloseTo(7.3);
    expect(costOf({ inputTokens: 1, outputTokens: 1 }, "other", prices)).toBeUndefined();
    expect(costOf(undefined, "claude", prices)).toBeUndefined();
    expect(costOf({ inputTokens: 1, outputTokens: 1 }, "constructor", prices)).toBeUndefined();
  });
});
