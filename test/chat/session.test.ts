import { describe, expect, it } from "vitest";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { runChat } from "./run-chat.ts";

describe.each(ISOLATIONS)("ChatSession (%s)", (isolation) => {
  it("keeps the history, streams deltas and answers from what was said before", async () => {
    const { value } = await runChat(
      `const session = new ChatSession({ system: "Be kind." });
      await session.next("My cat is named Tom.");
      const deltas = [];
      const message = await session.next("What is my cat named?", { onDelta: (d) => deltas.push(d) });
      export default { text: message.text, joined: deltas.join(""), several: deltas.length > 1,
        roles: session.conversation.getMessages().map((m) => m.role), same: session.conversation.getMessages().at(-1).id === message.id };`,
      { isolation },
    );
    expect(value).toEqual({
      text: "[demo] My cat is named Tom.",
      joined: "[demo] My cat is named Tom.",
      several: true,
      roles: ["user", "assistant", "user", "assistant"],
      same: true,
    });
  });
});

describe("ChatSession", () => {
  it("that is forked goes its own way", async () => {
    const { value } = await runChat(
      `const a = new ChatSession(); await a.next("echo: one");
      const b = a.fork(); await b.next("echo: two"); await a.next("echo: three"); await a.next("echo: four");
      export default [a, b].map((s) => s.conversation.getMessages().filter((m) => m.role === "assistant").map((m) => m.text));`,
    );
    expect(value).toEqual([
      ["one", "three", "four"],
      ["one", "two"],
    ]);
  });

  it("survives JSON with its options and its history", async () => {
    const { value } = await runChat(
      `const a = new ChatSession({ system: "The sky is green.", maxTokens: 100 }); await a.next("echo: hi");
      const text = JSON.stringify(a);
      const b = ChatSession.from(JSON.parse(text));
      export default [JSON.stringify(b) === text, (await b.next("What is the sky?")).text, b.conversation.getMessages().length];`,
    );
    expect(value).toEqual([true, "[demo] The sky is green.", 4]);
  });

  it("is kept in the store when its turns have ended, and loaded from there", async () => {
    const { value } = await runChat(
      `const a = new ChatSession({ system: "The sky is green." });
      a.next("echo: hi");
      await a.save("chats/a");
      const b = await ChatSession.load("chats/a");
      await store.set("other", 5);
      export default [JSON.stringify(b) === JSON.stringify(a), b.conversation.getMessages().length, (await b.next("What is the sky?")).text,
        await ChatSession.load("none"), await ChatSession.load("other").catch((e) => e.name), await a.save().catch((e) => e.name)];`,
    );
    expect(value).toEqual([true, 2, "[demo] The sky is green.", undefined, "ValidationError", "ValidationError"]);
  });

  it("that is too large for the store leaves what was kept before", async () => {
    const { value } = await runChat(
      `const a = new ChatSession(); await a.next("echo: hi"); await a.save("a");
      a.conversation.addMessage("user", "x".repeat(1_000_001));
      const code = await a.save("a").catch((e) => e.code);
      export default [code, (await ChatSession.load("a")).conversation.getMessages().length];`,
    );
    expect(value).toEqual(["ERR_STORE_LIMIT", 2]);
  });

  it("keeps the calls of tools in its history; a function must be given again after JSON", async () => {
    const { value } = await runChat(
      `const clock = { name: "clock", description: "time", run: () => "noon" };
      const a = new ChatSession({ tools: [clock, "host"] });
      const message = await a.next("call: clock {}");
      const json = JSON.parse(JSON.stringify(a));
      let refused; try { ChatSession.from(json); } catch (e) { refused = e.name + ": " + e.message; }
      const b = ChatSession.from(json, { tools: [clock] });
      const again = await b.next("call: clock {}");
      export default { types: a.conversation.getMessages().map((m) => m.type), parent: message.parentID === a.conversation.getMessages().at(-2).id,
        result: a.conversation.getMessages()[2].result, saved: json.options.tools, functions: json.functions, refused, again: again.text, length: b.conversation.getMessages().length };`,
      { tools: { host: { run: () => 1 } } },
    );
    expect(value).toEqual({
      types: ["chat-message", "tool-use", "tool-result", "chat-message"],
      parent: true,
      result: "noon",
      saved: [{ name: "clock", description: "time" }, "host"],
      functions: ["clock"],
      refused:
        'ValidationError: Cannot restore the session: its tool "clock" is a function, which JSON cannot hold; give it again: ChatSession.from(json, { tools: [clock] })',
      again: "[demo] clock answered: noon",
      length: 8,
    });
  });

  it("adds nothing when an answer fails or is aborted, and goes on afterwards", async () => {
    const { value } = await runChat(
      `const s = new ChatSession(); const failures = [];
      await s.next("error: 429").catch((e) => failures.push(e.name));
      const controller = new AbortController();
      const slow = s.next("slow: 60s\\necho: never", { signal: controller.signal });
      setTimeout(() => controller.abort(), 5);
      await slow.catch((e) => failures.push(e.name));
      await s.next("echo: ok");
      export default [failures, s.conversation.getMessages().length];`,
    );
    expect(value).toEqual([["ProviderError", "AbortError"], 2]);
  });

  it("answers one after the other", async () => {
    const { value } = await runChat(
      `const s = new ChatSession();
      await Promise.all([s.next("slow: 20ms\\necho: 1"), s.next("echo: 2"), s.next({ role: "user", text: "echo: 3" })]);
      export default s.conversation.getMessages().map((m) => m.text);`,
    );
    expect(value).toEqual(["slow: 20ms\necho: 1", "1", "echo: 2", "2", "echo: 3", "3"]);
  });

  it("refuses what is no snapshot, and an onDelta that is no function", async () => {
    const { value } = await runChat(
      `const texts = [];
      for (const given of [null, 5, {}, { type: "chat-session" }, { type: "chat-session", options: {}, conversation: {} }])
        try { ChatSession.from(given); } catch (e) { texts.push(e.name); }
      try { new ChatSession().next("x", { onDelta: 5 }); } catch (e) { texts.push(e.name); }
      export default texts;`,
    );
    expect(value).toEqual([
      "ValidationError",
      "ValidationError",
      "ValidationError",
      "ValidationError",
      "ConversationError",
      "TypeError",
    ]);
  });
});
