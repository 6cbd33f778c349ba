import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ScriptedChat } from "../../src/index.ts";
import {
  type AnswerServer,
  chunk,
  DONE,
  finish,
  namedStream,
  startAnswerServer,
  stream,
} from "../providers/answers/answer-server.ts";
import { runChat } from "./run-chat.ts";

/** A script that tells what the events of one run say. */
const tell = (options: string, input = '"hi"'): string => `
  const told = [];
  for await (const e of new ChatStepFactory().newStep(${options}).events(${input})) {
    told.push(e.type === "partial" ? "p:" + e.delta : e.type === "reasoning" ? "r:" + e.delta : e.type);
    if (e.type === "final") told.push(e.text, e.result.text, e.result.metadata.reasoning, e.result.metadata.usage?.reasoningTokens, e.seq);
  }
  export default told;`;

describe("reasoning", () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer();
  });
  afterAll(() => server.close());
  const settings = (fields: object = {}) => ({
    provider: "openai",
    baseURL: `${server.origin}/v1`,
    model: "m",
    retry: { attempts: 1 },
    ...fields,
  });

  it("is an event of its own, never a part of a text, and counted in usage", async () => {
    server.play(
      stream(
        chunk({ reasoning_content: "Let me " }),
        chunk({ reasoning: "see" }),
        chunk({ content: "Hi" }),
        finish("stop", {
          usage: { prompt_tokens: 1, completion_tokens: 9, completion_tokens_details: { reasoning_tokens: 7 } },
        }),
        DONE,
      ),
    );
    const { value } = await runChat(tell("{}"), { chat: settings() });
    expect(value).toEqual(["start", "r:Let me ", "r:see", "p:Hi", "final", "Hi", "Hi", "Let me see", 7, 4]);
  });

  it("is what stands in details alone, and once where a server says it twice", async () => {
    server.play(
      stream(
        chunk({
          reasoning_details: [
            { type: "reasoning.text", text: "Let " },
            { type: "reasoning.encrypted", data: "x" },
          ],
        }),
        chunk({ reasoning: "me ", reasoning_details: [{ type: "reasoning.text", text: "me " }] }),
        chunk({ content: "Hi", reasoning: null, reasoning_details: [{ type: "reasoning.summary", summary: "see" }] }),
        finish(),
        DONE,
      ),
    );
    const { value } = await runChat(tell("{}"), { chat: settings() });
    expect(value).toEqual([
      "start",
      "r:Let ",
      "r:me ",
      "r:see",
      "p:Hi",
      "final",
      "Hi",
      "Hi",
      "Let me see",
      undefined,
      5,
    ]);
  });

  it("is what stands in a think block, too", async () => {
    server.play(
      stream(
        chunk({ content: "<thi" }),
        chunk({ content: "nk>hm</th" }),
        chunk({ content: "ink>\n\nHi" }),
        finish(),
        DONE,
      ),
    );
    const { value } = await runChat(tell("{}"), { chat: settings() });
    expect(value).toEqual(["start", "r:hm", "p:Hi", "final", "Hi", "Hi", "hm", undefined, 3]);
  });

  it("comes from Anthropic and the responses API alike", async () => {
    server.play(
      namedStream(
        { type: "message_start", message: { model: "m" } },
        { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } },
        { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "hm" } },
        { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "Hi" } },
        { type: "message_stop" },
      ),
    );
    const claude = await runChat(tell("{}"), { chat: settings({ provider: "anthropic", baseURL: server.origin }) });
    expect((claude.value as unknown[]).slice(0, 4)).toEqual(["start", "r:hm", "p:Hi", "final"]);
    server.play(
      stream(
        { type: "response.reasoning_summary_text.delta", delta: "hm" },
        { type: "response.output_text.delta", delta: "Hi" },
        { type: "response.completed", response: { status: "completed" } },
      ),
    );
    const responses = await runChat(tell("{}"), { chat: settings({ api: "responses" }) });
    expect((responses.value as unknown[]).slice(0, 4)).toEqual(["start", "r:hm", "p:Hi", "final"]);
  });

  it("goes on to what composes a step, and is played back from a kept run", async () => {
    const turn = { reasoning: "hm", text: "Hi" };
    const model = new ScriptedChat([turn, turn, turn]);
    const { value } = await runChat(
      `const step = steps.withCache(new ChatStepFactory().newStep(), { key: () => "k" });
      const chat = new ChatStepFactory().newStep();
      const typesOf = async (one) => { const types = []; for await (const e of one.events("x")) types.push(e.type + (e.delta ?? "")); return types.join(); };
      export default [await typesOf(step), await typesOf(step), await typesOf(steps.withRetry(chat, { maxAttempts: 2 })), await typesOf(steps.withTimeout(chat, 60000))];`,
      { chatProvider: model },
    );
    expect(value).toEqual(Array.from({ length: 4 }, () => "start,reasoninghm,partialHi,final"));
  });

  it("is what the demo model tells when it is asked to think", async () => {
    const { value } = await runChat(
      `const types = new Set(); for await (const e of new ChatStepFactory().newStep({ reasoning: { effort: "low" } }).events("echo: ok")) types.add(e.type);
      export default [[...types].join(), await chat("echo: ok", { reasoning: { effort: "none" } })];`,
    );
    expect(value).toEqual(["start,reasoning,partial,final", "ok"]);
  });

  it("may be asked for by the host's settings, and before them by a script", async () => {
    server.play(stream(finish(), DONE));
    const chat = {
      provider: "openai",
      baseURL: `${server.origin}/v1`,
      model: "m",
      reasoning: { effort: "low" as const },
    };
    await runChat(`await chat("x"); await chat("x", { reasoning: { effort: "high" } });`, { chat });
    expect(server.requests.map(({ body }) => body["reasoning_effort"])).toEqual(["low", "high"]);
  });

  it("that is cancelled midway ends in an interrupt without it", async () => {
    server.play((response) => {
      response.writeHead(200, { "content-type": "text/event-stream", connection: "close" });
      response.write(stream(chunk({ content: "Hi" }), chunk({ reasoning: "hm" })));
    });
    const { value } = await runChat(
      `const step = new ChatStepFactory().newStep(); const told = [];
      await new Promise((resolve) => step.runWithEvents("x", (e) => { told.push(e.type, e.text ?? ""); if (e.type === "reasoning") step.cancel(); if (e.type === "interrupt") resolve(); }));
      export default told.join();`,
      { chat: settings() },
    );
    expect(value).toBe("start,,partial,,reasoning,,interrupt,Hi");
  });
});

describe("the option reasoning", () => {
  let server: AnswerServer;
  beforeAll(async () => {
    server = await startAnswerServer();
  });
  afterAll(() => server.close());

  async function bodyFor(
    api: "chat" | "responses" | "messages",
    reasoning: object,
    settings: object = {},
  ): Promise<Record<string, unknown>> {
    server.play("");
    const request = { model: "", messages: [{ role: "user" as const, content: "x" }], reasoning };
    await server
      .provider(api, { model: "claude-opus-4-8", ...settings })
      .stream(request, { signal: new AbortController().signal })
      .next()
      .catch(() => {});
    return server.requests[0]!.body;
  }

  it("goes out in each vendor's words", async () => {
    expect(await bodyFor("chat", { effort: "high", budgetTokens: 5 })).toMatchObject({ reasoning_effort: "high" });
    expect(await bodyFor("responses", { effort: "high" })).toMatchObject({
      reasoning: { effort: "high", summary: "auto" },
    });
    expect(await bodyFor("messages", { effort: "minimal" })).toMatchObject({
      output_config: { effort: "low" },
      thinking: { type: "adaptive", display: "summarized" },
    });
    expect(await bodyFor("messages", { budgetTokens: 2000 })).toMatchObject({
      thinking: { type: "enabled", budget_tokens: 2000 },
      max_tokens: 6096,
    });
    expect(await bodyFor("messages", { effort: "none" })).toMatchObject({ thinking: { type: "disabled" } });
    expect(await bodyFor("messages", { effort: "high" }, { model: "claude-opus-4-5" })).not.toHaveProperty("thinking");
    expect(await bodyFor("chat", {})).not.toHaveProperty("reasoning_effort");
  });

  it("with a budget alone is refused where an API has none, and asks nobody", async () => {
    for (const api of ["chat", "responses"] as const) {
      server.play("");
      const request = { model: "", messages: [], reasoning: { budgetTokens: 5 } };
      const answer = server.provider(api).stream(request, { signal: new AbortController().signal }).next();
      await expect(answer).rejects.toMatchObject({
        name: "ValidationError",
        message: "Cannot use the option reasoning.budgetTokens: OpenAI's APIs have no such bound, use reasoning.effort",
      });
      expect(server.requests).toHaveLength(0);
    }
  });
});
