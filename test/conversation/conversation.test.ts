import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import {
  Conversation,
  conversationSnapshot,
  installConversation,
  type MessageOptions,
} from "../../runtime-setup/guest/conversation/conversation.ts";
import { ROLES, type Role } from "../../src/shared/chat-messages.ts";

vi.mock("../../runtime-setup/guest/web/crypto.ts", () => ({ randomUUID: () => randomUUID() }));

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Calls a method with arguments that its type does not allow. */
function call(conversation: Conversation, method: string, ...args: unknown[]): unknown {
  return (conversation as unknown as Record<string, (...args: unknown[]) => unknown>)[method]!(...args);
}

/** Replaces properties by functions that lie, until the returned function is called. Itself it needs none of them. */
function poison(places: { owner: object; key: PropertyKey }[]): () => void {
  const kept = places.map(({ owner, key }) => Object.getOwnPropertyDescriptor(owner, key));
  for (let i = 0; i < places.length; i++) {
    const { owner, key } = places[i]!;
    Object.defineProperty(owner, key, { value: () => "forged", configurable: true, writable: true });
  }
  return () => {
    for (let i = 0; i < places.length; i++) {
      const { owner, key } = places[i]!;
      const descriptor = kept[i];
      if (descriptor === undefined) Reflect.deleteProperty(owner, key);
      else Object.defineProperty(owner, key, descriptor);
    }
  };
}

let conv: Conversation;
beforeAll(installConversation);
beforeEach(() => {
  conv = new Conversation();
});

describe("installConversation()", () => {
  test("makes a global that is writable, configurable and not enumerable", () => {
    expect(Object.getOwnPropertyDescriptor(globalThis, "Conversation")).toEqual({
      value: Conversation,
      writable: true,
      configurable: true,
      enumerable: false,
    });
  });

  test("gives every method a second name in PascalCase", () => {
    const names = Object.getOwnPropertyNames(Conversation.prototype).filter((name) => name !== "constructor");
    const camel = names.filter((name) => /^[a-z]/.test(name));
    expect(camel.toSorted()).toEqual(
      "addMessage addMessageWithImage addToolResult addToolUse append fork getChildren getMessageView getMessages getSinglePrompt getThread toGoConversation toJSON updateMetadata".split(
        " ",
      ),
    );
    const methods = Conversation.prototype as unknown as Record<string, unknown>;
    for (const name of camel) expect(methods[name[0]!.toUpperCase() + name.slice(1)]).toBe(methods[name]);
    expect((Conversation as unknown as { From: unknown }).From).toBe(Conversation.from);
  });
});

describe("addMessage()", () => {
  test("returns a UUID and adds a flat message with the fields of the seeds", () => {
    const before = Date.now();
    const id = conv.addMessage("user", "Hello");
    expect(id).toMatch(UUID);
    const [message] = conv.getMessages();
    expect(Object.keys(message!).toSorted()).toEqual("id lastUpdate metadata parentID role text time type".split(" "));
    expect(message).toMatchObject({
      id,
      parentID: "",
      metadata: {},
      type: "chat-message",
      role: "user",
      text: "Hello",
    });
    expect(message!.time).toBeInstanceOf(Date);
    expect(message!.time.getTime()).toBeGreaterThanOrEqual(before);
    expect(message!.lastUpdate).toEqual(message!.time);
  });

  test("takes the options of the seeds, and an unknown parentID joins the thread as it is given", () => {
    conv.addMessage("user", "first");
    const options = {
      metadata: { source: "config" },
      parentID: "parent-message-id",
      time: "2024-01-01T00:00:00Z",
      id: "custom-id",
    };
    expect(conv.addMessage("system", "System prompt", options)).toBe("custom-id");
    const thread = conv.getMessages();
    expect(thread).toHaveLength(2);
    expect(thread[1]).toMatchObject({ ...options, time: new Date("2024-01-01T00:00:00Z") });
  });

  test("branches at a known parentID, and follows the thread without one", () => {
    const root = conv.addMessage("system", "root");
    const left = conv.addMessage("user", "left");
    const right = conv.addMessage("user", "right", { parentID: root });
    expect(conv.getMessages().map(({ id }) => id)).toEqual([root, right]);
    expect(conv.getChildren(root).map(({ id }) => id)).toEqual([left, right]);
    expect(conv.getThread(left).map(({ id }) => id)).toEqual([root, left]);
    const next = conv.addMessage("assistant", "next", { parentID: "" });
    expect(conv.getMessages().at(-1)).toMatchObject({ id: next, parentID: right });
  });

  test("copies metadata in and out", () => {
    const metadata = { list: [{ a: 1 }] };
    const id = conv.addMessage("user", "x", { metadata });
    metadata.list[0]!.a = 2;
    const [first] = conv.getMessages();
    expect(first!.metadata).toEqual({ list: [{ a: 1 }] });
    (first!.metadata["list"] as unknown[]).push("more");
    first!.time.setTime(0);
    (first as { text: string }).text = "changed";
    expect(conv.getThread(id)[0]).toMatchObject({ text: "x", metadata: { list: [{ a: 1 }] } });
    expect(conv.getMessages()[0]!.time.getTime()).not.toBe(0);
  });

  test.each<[unknown[], string]>([
    [["bot", "x"], 'role must be "system", "developer", "assistant", "user" or "tool", got "bot"'],
    [[undefined, "x"], "role must be"],
    [["user"], "text must be a string, got undefined"],
    [["user", 7], "text must be a string, got 7"],
    [["user", { toString: () => "x" }], "text must be a string, got an object"],
    [["user", "x", "options"], 'options must be an object, got "options"'],
    [["user", "x", null], "options must be an object, got null"],
    [["user", "x", { parentId: "a" }], 'there is no option "parentId"; did you mean "parentID"?'],
    [["user", "x", { id: "" }], "id must not be empty"],
    [["user", "x", { id: 5 }], "id must be a string, got 5"],
    [["user", "x", { id: "taken" }], 'the id "taken" is already taken'],
    [["user", "x", { parentID: {} }], "parentID must be a string, got an object"],
    [
      ["user", "x", { time: "yesterday" }],
      'time must be an RFC 3339 time such as "2024-01-01T00:00:00Z", got "yesterday"',
    ],
    [["user", "x", { time: "2024-02-30T00:00:00Z" }], "time must be an RFC 3339 time"],
    [["user", "x", { time: new Date(NaN) }], "time must be an RFC 3339 time"],
    [["user", "x", { time: 0 }], "time must be an RFC 3339 time"],
    [["user", "x", { metadata: "m" }], 'metadata must be an object, got "m"'],
    [["user", "x", { metadata: { a: { f() {} } } }], "metadata.a.f must be plain data, got a function"],
  ])("fails with a ConversationError that says what is allowed, and adds nothing (%#)", (args, text) => {
    conv.addMessage("user", "there", { id: "taken" });
    expect(() => call(conv, "AddMessage", ...args)).toThrow(
      expect.objectContaining({
        name: "ConversationError",
        code: "ERR_CONVERSATION",
        message: expect.stringContaining(`Cannot add the message: ${text}`) as string,
      }),
    );
    expect(conv.getMessages()).toHaveLength(1);
  });

  test("says which object a method needs when it is called on another one", () => {
    const { addMessage } = conv;
    expect(() => addMessage("user", "x")).toThrow(
      "Cannot add the message: the method was not called on a Conversation",
    );
  });
});

describe("addToolUse() and addToolResult()", () => {
  test("add messages in the shapes of the seeds", () => {
    const use = conv.addToolUse("tool123", "searchCode", { query: "find main function" });
    const result = conv.addToolResult("tool123", "Found main function in main.go");
    expect(conv.getMessages()).toMatchObject([
      {
        id: use,
        type: "tool-use",
        toolID: "tool123",
        name: "searchCode",
        input: { query: "find main function" },
        toolType: "function",
      },
      { id: result, parentID: use, type: "tool-result", toolID: "tool123", result: "Found main function in main.go" },
    ]);
    expect(conv.getMessages()[1]).not.toHaveProperty("toolType");
  });

  test.each<[string, unknown[], string]>([
    ["addToolUse", [7, "n", {}], "Cannot add the tool use: toolID must be a string, got 7"],
    ["addToolUse", ["t", "", {}], "Cannot add the tool use: name must not be empty"],
    ["addToolUse", ["t", "n", ["x"]], "Cannot add the tool use: input must be an object, got an array"],
    ["addToolUse", ["t", "n", { cb: () => 0 }], "input.cb must be plain data, got a function"],
    ["addToolResult", ["t", { ok: true }], "Cannot add the tool result: result must be a string, got an object"],
  ])("%s refuses what does not fit (%#)", (method, args, text) => {
    expect(() => call(conv, method, ...args)).toThrow(text);
  });
});

describe("append()", () => {
  const answer = { type: "chat-message", role: "assistant", text: "Hi", id: "answer", metadata: { usage: { a: 1 } } };

  test("adds a step's message, keeps its id and lets it continue the thread", () => {
    const question = conv.addMessage("user", "Hello");
    expect(conv.append(answer)).toBe("answer");
    expect(conv.getMessages()[1]).toMatchObject({ ...answer, parentID: question });
  });

  test("gives a duplicate a new id", () => {
    conv.append(answer);
    expect(conv.append(answer)).toMatch(UUID);
    expect(conv.getMessages()).toHaveLength(2);
  });

  test("takes every flat message that another conversation gives out", () => {
    conv.addMessage("user", "x", { metadata: { a: 1 } });
    conv.addToolUse("t", "n", { q: 1 });
    conv.addToolResult("t", "r");
    conv.append({
      ...answer,
      images: [{ imageURL: "https://a.example/b.png", imageName: "", mediaType: "", detail: "" }],
    });
    conv.append({ role: "assistant", text: "", toolCalls: [{ id: "c", name: "n", input: {} }] });
    const copy = new Conversation();
    for (const message of conv.getMessages()) copy.append(message);
    expect(copy.getMessages()).toEqual(conv.getMessages());
  });

  test.each<[unknown, string]>([
    ["text", 'message must be an object, got "text"'],
    [[answer], "message must be an object, got an array"],
    [{ text: "x" }, "message.role must be"],
    [{ ...answer, type: "note" }, 'message.type must be "chat-message", "tool-use" or "tool-result", got "note"'],
    [{ ...answer, images: [{ imageURL: 1 }] }, "message.images[0].imageURL must be a string, got 1"],
    [{ ...answer, toolCalls: [{ id: "c", name: "n" }] }, "message.toolCalls[0].input must be an object, got undefined"],
  ])("names the field of what does not fit (%#)", (message, text) => {
    expect(() => call(conv, "append", message)).toThrow(`Cannot append the message: ${text}`);
  });
});

describe("getMessageView() and getSinglePrompt()", () => {
  test("write each kind of message as the contract says", () => {
    expect(conv.getMessageView(conv.addMessage("user", "Hello"))).toBe("[user]: Hello");
    expect(conv.getMessageView(conv.addToolUse("t1", "search", { q: "x", $: [1] }))).toBe(
      'ToolUseContent{ToolID: t1, Name: search, Input: {"q":"x","$":[1]}}',
    );
    expect(conv.getMessageView(conv.addToolResult("t1", "found"))).toBe("ToolResultContent{ToolID: t1, Result: found}");
    expect(() => conv.getMessageView("nope")).toThrow('Cannot show the message: no message has the id "nope"');
  });

  test("make one prompt of the chat messages", () => {
    expect(conv.getSinglePrompt()).toBe("");
    conv.addMessage("user", "Hello");
    expect(conv.getSinglePrompt()).toBe("Hello");
    conv.addToolUse("t", "n", {});
    expect(conv.getSinglePrompt()).toBe("[user]: Hello\n");
    conv.addMessage("assistant", "Hi");
    expect(conv.getSinglePrompt()).toBe("[user]: Hello\n[assistant]: Hi\n");
  });
});

describe("updateMetadata()", () => {
  test("merges, sets lastUpdate and says whether the message exists", () => {
    const id = conv.addMessage("user", "x", { metadata: { a: 1, b: { c: 1 } }, time: "2024-01-01T00:00:00Z" });
    expect(conv.updateMetadata(id, { b: 2, processed: true })).toBe(true);
    const [message] = conv.getMessages();
    expect(message!.metadata).toEqual({ a: 1, b: 2, processed: true });
    expect(message!.lastUpdate.getTime()).toBeGreaterThan(message!.time.getTime());
    expect(conv.updateMetadata("nope", {})).toBe(false);
    expect(() => call(conv, "updateMetadata", id, "x")).toThrow("patch must be an object");
  });
});

describe("fork()", () => {
  test("ends the copy's thread at the message, and each goes its own way", () => {
    const first = conv.addMessage("user", "first");
    conv.addMessage("user", "second");
    const copy = conv.fork(first);
    copy.addMessage("assistant", "other");
    copy.updateMetadata(first, { copy: true });
    expect(copy.getMessages().map((m) => "text" in m && m.text)).toEqual(["first", "other"]);
    expect(conv.getMessages().map((m) => "text" in m && m.text)).toEqual(["first", "second"]);
    expect(conv.getMessages()[0]!.metadata).toEqual({});
    expect(conv.fork().getMessages()).toEqual(conv.getMessages());
    expect(() => conv.fork("nope")).toThrow('Cannot fork the conversation: no message has the id "nope"');
  });
});

describe("toJSON() and from()", () => {
  const times = fc
    .date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T00:00:00Z"), noInvalidDate: true })
    .map((date) => date.toISOString());
  const data = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
  const steps = fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant("chat" as const),
        role: fc.constantFrom<Role>(...ROLES),
        text: fc.string({ unit: "grapheme" }),
        time: times,
        metadata: data,
        parent: fc.option(fc.nat(20), { nil: undefined }),
      }),
      fc.record({ kind: fc.constant("use" as const), input: data }),
      fc.record({ kind: fc.constant("result" as const), result: fc.string() }),
    ),
    { maxLength: 12 },
  );

  test("are inverse for every conversation", () => {
    fc.assert(
      fc.property(steps, (additions) => {
        const original = new Conversation();
        const ids: string[] = [];
        for (const step of additions) {
          if (step.kind === "use") ids.push(original.addToolUse("t", "n", step.input));
          else if (step.kind === "result") ids.push(original.addToolResult("t", step.result));
          else {
            const options: MessageOptions = { time: step.time, metadata: step.metadata };
            if (step.parent !== undefined) options.parentID = ids[step.parent] ?? "unknown";
            ids.push(original.addMessage(step.role, step.text, options));
          }
        }
        const text = JSON.stringify(original);
        const copy = Conversation.from(JSON.parse(text));
        expect(JSON.stringify(copy)).toBe(text);
        expect(copy.getMessages()).toEqual(original.getMessages());
        expect(copy.toGoConversation()).toEqual(original.toJSON());
      }),
    );
  });

  test("take the messages of getMessages() too", () => {
    const id = conv.addMessage("user", "x", { time: "2024-01-01T00:00:00+01:00" });
    const copy = Conversation.from({ type: "conversation", current: id, messages: conv.getMessages() });
    expect(copy.getMessages()).toEqual(conv.getMessages());
  });

  const time = "2024-01-01T00:00:00Z";
  const fields = { id: "a", parentID: "", time, lastUpdate: time, metadata: {} };
  const good = { ...fields, type: "chat-message", role: "user", text: "x" };
  const snapshot = (...messages: unknown[]): object => ({ type: "conversation", current: "a", messages });

  test.each<[unknown, string]>([
    [undefined, "the snapshot must be an object, got undefined"],
    [[], "the snapshot must be an object, got an array"],
    [{ type: "chat" }, 'type must be "conversation", got "chat"'],
    [{ type: "conversation", messages: [] }, "current must be a string, got undefined"],
    [{ type: "conversation", current: "" }, "messages must be an array, got undefined"],
    [snapshot(), 'current must be "" where there are no messages, got "a"'],
    [{ ...snapshot(good), current: "b" }, 'current must be the id of a message, got "b"'],
    [snapshot(good, 5), "messages[1] must be an object, got 5"],
    [snapshot(good, good), 'messages[1].id must be unique, got "a" a second time'],
    [snapshot(good, { ...good, id: "b" }, { ...good, id: "c", role: "bot" }), "messages[2].role must be"],
    [snapshot({ ...good, time: "now" }), "messages[0].time must be an RFC 3339 time"],
    [snapshot({ ...good, id: "" }), "messages[0].id must not be empty"],
    [snapshot({ ...good, metadata: undefined }), "messages[0].metadata must be an object, got undefined"],
    [
      snapshot({ ...fields, type: "tool-use", toolID: "t", name: "n", toolType: "function" }),
      "messages[0].input must be",
    ],
    [
      snapshot({ ...fields, type: "tool-result", toolID: "t", result: 1 }),
      "messages[0].result must be a string, got 1",
    ],
  ])("refuse a snapshot of another shape and name the field (%#)", (value, text) => {
    expect(() => Conversation.from(value)).toThrow(
      expect.objectContaining({
        name: "ConversationError",
        message: expect.stringContaining(`Cannot read the snapshot: ${text}`) as string,
      }),
    );
  });
});

describe("conversationSnapshot()", () => {
  test("knows a conversation by its brand alone", () => {
    conv.addMessage("user", "x");
    expect(conversationSnapshot(conv)).toEqual(conv.toJSON());
    expect(conversationSnapshot(Object.create(Conversation.prototype))).toBeUndefined();
    expect(conversationSnapshot(new Proxy(conv, {}))).toBeUndefined();
    for (const value of [undefined, null, "x", 5, {}, conv.toJSON()])
      expect(conversationSnapshot(value)).toBeUndefined();
    Object.setPrototypeOf(conv, null);
    expect(conversationSnapshot(conv)?.messages).toHaveLength(1);
  });

  test("is not led astray by a script that changes the prototypes", () => {
    conv.addMessage("user", "x", { time: "2024-01-01T00:00:00Z", metadata: { list: [1] } });
    const expected = JSON.stringify(conversationSnapshot(conv));
    const unpoison = poison([
      ...(["push", "map", Symbol.iterator] as const).map((key) => ({ owner: Array.prototype, key })),
      ...(["get", "has"] as const).map((key) => ({ owner: Map.prototype, key })),
      ...(["exec", "test"] as const).map((key) => ({ owner: RegExp.prototype, key })),
      ...["toJSON", "images", "role"].map((key) => ({ owner: Object.prototype, key })),
      { owner: Conversation.prototype, key: "toJSON" },
    ]);
    let forked: unknown;
    let refused: unknown;
    try {
      const forkID = conv.getMessages()[0]!.id;
      conv.addToolResult("t", "r");
      forked = conversationSnapshot(conv.fork(forkID));
      conv.addMessage("user", "x", { time: "never" });
    } catch (error) {
      refused = error;
    } finally {
      unpoison();
    }
    expect(JSON.stringify(forked)).toBe(expected);
    expect(refused).toMatchObject({ name: "ConversationError" });
  });
});
