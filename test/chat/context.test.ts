import { describe, expect, it } from "vitest";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { ScriptedChat } from "../../src/testing.ts";
import type { ChatRequest } from "../../src/providers/chat-provider.ts";
import { runChat } from "./run-chat.ts";

/** A model that notes what it is asked, and answers with `answer`. */
function noting(answer: (request: ChatRequest, turn: number) => string = (_, turn) => `answer ${turn}`): {
  chat: ScriptedChat;
  requests: ChatRequest[];
} {
  const requests: ChatRequest[] = [];
  const turns = Array.from({ length: 60 }, (_, turn) => (request: ChatRequest) => {
    requests.push(structuredClone(request));
    return { text: answer(request, turn), usage: { inputTokens: 10, outputTokens: 1 } };
  });
  return { chat: new ScriptedChat(turns), requests };
}

const isSummary = ({ system = "" }: ChatRequest): boolean => system.startsWith("You shorten conversations.");
const texts = ({ messages }: ChatRequest): string[] => messages.map(({ content }) => content as string);

describe.each(ISOLATIONS)("context.maxTokens (%s)", (isolation) => {
  it("leaves out the oldest turns, keeps the system's messages, and tells of it", async () => {
    const { chat, requests } = noting();
    const { value, error } = await runChat(
      `const step = new ChatStepFactory().newStep({ context: { maxTokens: 60 } });
      const messages = [{ role: "system", content: "Be brief." }];
      for (let i = 0; i < 10; i++) messages.push({ role: "user", content: "question " + i }, { role: "assistant", content: "reply " + i });
      messages.push({ role: "user", content: "last" });
      const seen = [];
      for await (const event of step.events({ messages })) seen.push(event);
      const { context, seq } = seen.find((event) => event.type === "context");
      export default { types: [...new Set(seen.map((event) => event.type))], context, seq, metadata: seen.at(-1).result.metadata.contextChanges, fits: countTokens(messages) > 60 };`,
      { isolation, chatProvider: chat },
    );
    expect(error).toBeUndefined();
    expect(value).toEqual({
      types: ["start", "context", "partial", "final"],
      seq: 1,
      metadata: 1,
      fits: true,
      context: {
        action: "truncate",
        maxTokens: 60,
        tokensBefore: expect.any(Number),
        tokensAfter: expect.any(Number),
        messagesBefore: 22,
        messagesAfter: expect.any(Number),
      },
    });
    const { context } = value as { context: { tokensBefore: number; tokensAfter: number; messagesAfter: number } };
    expect(context.tokensBefore).toBeGreaterThan(60);
    expect(context.tokensAfter).toBeLessThanOrEqual(60);
    expect(requests).toHaveLength(1);
    const sent = texts(requests[0]!);
    expect(sent).toHaveLength(context.messagesAfter);
    expect([sent[0], sent.at(-1)]).toEqual(["Be brief.", "last"]);
    expect(sent[1]).toMatch(/^question /);
  });

  it("with a function sends what the function gives, and gives it all but the system's messages", async () => {
    const { chat, requests } = noting();
    const { value, error } = await runChat(
      `let given;
      const compact = async (messages, { tokens, maxTokens, signal }) => {
        given = { roles: messages.map((m) => m.role).join(), tokens: tokens > maxTokens, maxTokens, signal: signal.aborted };
        return [{ role: "user", content: "in short" }, messages.at(-1)];
      };
      const session = new ChatSession({ context: { maxTokens: 40, compact } });
      session.conversation.addMessage("system", "Be brief.");
      session.conversation.addMessage("user", "word ".repeat(60));
      session.conversation.addMessage("assistant", "yes");
      await session.next("last");
      export default { given, kept: session.conversation.getMessages().length };`,
      { isolation, chatProvider: chat },
    );
    expect(error).toBeUndefined();
    expect(value).toEqual({
      given: { roles: "user,assistant,user", tokens: true, maxTokens: 40, signal: false },
      kept: 5,
    });
    expect(texts(requests[0]!)).toEqual(["Be brief.", "in short", "last"]);
  });
});

describe("context.maxTokens", () => {
  it("changes nothing of what fits", async () => {
    const { chat, requests } = noting();
    const { value } = await runChat(
      `const types = [];
      for await (const event of new ChatStepFactory().newStep({ context: { maxTokens: 1000 } }).events("hello")) types.push(event.type);
      export default [...new Set(types)];`,
      { chatProvider: chat },
    );
    expect(value).toEqual(["start", "partial", "final"]);
    expect(texts(requests[0]!)).toEqual(["hello"]);
  });

  it("keeps a call and its result together, within a turn that has many of them", async () => {
    const requests: ChatRequest[] = [];
    const turns = Array.from({ length: 8 }, (_, n) => (request: ChatRequest) => {
      requests.push(structuredClone(request));
      return n < 7 ? { toolCalls: [{ name: "read", input: { n } }] } : { text: "done" };
    });
    const { value, error } = await runChat(
      `const read = { name: "read", input: { type: "object" }, run: ({ n }) => "page " + n + " text".repeat(30) };
      const step = new ChatStepFactory().newStep({ tools: [read], context: { maxTokens: 200 } });
      const [message] = await step.startAsync("Read it all");
      export default [message.text, message.metadata.contextChanges > 1];`,
      { chatProvider: new ScriptedChat(turns) },
    );
    expect(error).toBeUndefined();
    expect(value).toEqual(["done", true]);
    expect(requests).toHaveLength(8);
    for (const { messages } of requests) {
      expect(messages[0]).toMatchObject({ role: "user", content: "Read it all" });
      const open = new Set<string>();
      for (const { role, toolCalls = [], toolCallId } of messages) {
        for (const { id } of toolCalls) open.add(id);
        if (role === "tool") expect(open.delete(toolCallId!)).toBe(true);
      }
      expect(open.size).toBe(0);
    }
    expect(requests.at(-1)!.messages.at(-1)!.content).toMatch(/^page 6/);
  });

  it("refuses what is too much by itself, before the model is asked", async () => {
    const { chat, requests } = noting();
    const { error } = await runChat(`await chat("word ".repeat(500), { context: { maxTokens: 100 } });`, {
      chatProvider: chat,
    });
    expect(error).toMatchObject({ name: "LimitError", code: "ERR_LIMIT_CONTEXT" });
    expect(error!.message).toMatch(
      /^Cannot ask the model: what has to be sent, .* has about \d+ tokens, more than context\.maxTokens, 100$/,
    );
    expect(requests).toEqual([]);
  });

  it.each([
    ["{ maxTokens: 0 }", "options.context.maxTokens: expected at least 1, found 0"],
    ["{ compact: 'truncate' }", "options.context.maxTokens: expected a number, found nothing"],
    ["{ maxTokens: 5, compact: 'drop' }", 'options.context.compact: expected "truncate" or "summarize", found "drop"'],
    ["{ maxTokens: 5, compact: 5 }", 'options.context.compact: expected "truncate", "summarize" or a function'],
    ["{ maxToken: 5 }", 'options.context.maxToken: no such field, did you mean "maxTokens"?'],
  ])("says what is wrong with %s", async (context, text) => {
    const { error } = await runChat(`await chat("hi", { context: ${context} });`);
    expect(error).toMatchObject({ name: "ValidationError", message: expect.stringContaining(text) });
  });

  it("a function that gives no messages, or too many, or throws, is an error of the run", async () => {
    const { value } = await runChat(
      `const ask = (compact) => chat("word ".repeat(200), { context: { maxTokens: 50, compact } }).catch((e) => e.message);
      export default [await ask(() => 5), await ask((m) => m), await ask(() => { throw new Error("no idea"); }), await ask(() => [{ role: "user" }])];`,
    );
    expect(value).toEqual([
      "Cannot use what context.compact gave: expected a list of messages, or a promise of one",
      expect.stringMatching(/^Cannot ask the model: what context\.compact gave has about \d+ tokens/),
      "no idea",
      expect.stringContaining("messages[0].content: expected a string or a list"),
    ]);
  });
});

describe('compact: "summarize"', () => {
  const SESSION = `const session = new ChatSession({ context: { maxTokens: 250, compact: "summarize" } });
    for (let i = 0; i < 11; i++) {
      session.conversation.addMessage("user", "question " + i + " about the weather in Rome");
      session.conversation.addMessage("assistant", "reply " + i + ", it is sunny there");
    }`;

  it("has the model summarize the old turns, sends that in their place, and keeps the history whole", async () => {
    const { chat, requests } = noting((request, turn) =>
      isSummary(request) ? `they spoke of Rome (${turn})` : "fine",
    );
    const { value, error } = await runChat(
      `${SESSION}
      const message = await session.next("And now?");
      export default { text: message.text, usage: message.metadata.usage, kept: session.conversation.getMessages().length, saved: session.toJSON().summary.text };`,
      { chatProvider: chat },
    );
    expect(error).toBeUndefined();
    expect(value).toMatchObject({ text: "fine", kept: 24, saved: "they spoke of Rome (0)" });
    expect(requests.map(isSummary)).toEqual([true, false]);
    expect(texts(requests[0]!)[0]).toContain("question 0 about the weather");
    const sent = texts(requests[1]!);
    expect(sent[0]).toBe("Summary of the conversation before this:\nthey spoke of Rome (0)");
    expect(sent.at(-1)).toBe("And now?");
    expect(sent.length).toBeLessThan(23);
  });

  it("is asked for once: later turns, forks and restored sessions go on with it", async () => {
    const { chat, requests } = noting((request) => (isSummary(request) ? "they spoke of Rome" : "fine"));
    const { value, error } = await runChat(
      `${SESSION}
      await session.next("one");
      await session.next("two");
      await session.fork().next("three");
      const other = ChatSession.from(JSON.parse(JSON.stringify(session)));
      await other.next("four");
      export default session.conversation.getMessages().length;`,
      { chatProvider: chat },
    );
    expect(error).toBeUndefined();
    expect(value).toBe(26);
    expect(requests.map(isSummary)).toEqual([true, false, false, false, false]);
    for (const request of requests.slice(1)) {
      expect(texts(request)[0]).toBe("Summary of the conversation before this:\nthey spoke of Rome");
    }
    expect(texts(requests[4]!).slice(-3)).toEqual(["two", "fine", "four"]);
  });

  it("takes a summary into the next one", async () => {
    const { chat, requests } = noting((request, turn) => (isSummary(request) ? `summary ${turn}` : "word ".repeat(30)));
    const { error } = await runChat(
      `${SESSION} for (let i = 0; i < 6; i++) await session.next("Go on, please, with number " + i);`,
      { chatProvider: chat },
    );
    expect(error).toBeUndefined();
    const summaries = requests.filter(isSummary);
    expect(summaries.length).toBeGreaterThan(1);
    expect(texts(summaries[1]!)[0]).toContain("summary 0");
  });

  it("that says nothing is an error with a code; a history too long for one request is summarized in pieces", async () => {
    const { value } = await runChat(
      `const ask = () => chat("hi", { context: { maxTokens: 200, compact: "summarize" } });
      ${SESSION} export default await session.next("x").catch((e) => e.code);`,
      { chatProvider: noting((request) => (isSummary(request) ? "" : "fine")).chat },
    );
    expect(value).toBe("ERR_CONTEXT_SUMMARY");
    const { chat, requests } = noting((request, turn) => (isSummary(request) ? `part ${turn}` : "fine"));
    const long = await runChat(
      `const session = new ChatSession({ context: { maxTokens: 250, compact: "summarize" } });
      for (let i = 0; i < 300; i++) session.conversation.addMessage(i % 2 ? "assistant" : "user", "number " + i + " word".repeat(20));
      export default (await session.next("last")).metadata.usage.inputTokens;`,
      { chatProvider: chat },
    );
    expect(long).toMatchObject({ error: undefined, value: 90 });
    expect(requests.filter(isSummary)).toHaveLength(8);
    expect(texts(requests[0]!)[0]).toContain("(what was said before is left out)");
    expect(texts(requests[7]!)[0]).toContain("The summary so far:\npart 6");
  });
});
