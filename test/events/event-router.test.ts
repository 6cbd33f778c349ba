import { describe, expect, it } from "vitest";
import {
  createEventPrinter,
  eventFromJSON,
  EventRouter,
  loadEventSchemas,
  MemoryPubSub,
  PublisherManager,
  SEQUENCE_NUMBER,
  type ChatEvent,
  type ChatEventHandler,
  type EventPrinterOptions,
  type Publisher,
} from "../../src/events/index.ts";

const meta = { messageId: "m", parentId: "p", engine: "demo" };
const step = {
  stepId: "r",
  type: "chat",
  inputType: "Conversation",
  outputType: "Message",
  metadata: {
    stepId: "r",
    type: "chat",
    inputType: "Conversation",
    outputType: "Message",
    startedAt: 1,
    durationMs: 5,
    usage: { inputTokens: 1 },
  },
};

const EVENTS: ChatEvent[] = [
  { type: "start", meta, step, seq: 0, time: 1 },
  { type: "partial", delta: "Hel", completion: "Hel", meta, step, seq: 1, time: 1 },
  { type: "partial", delta: "lo", completion: "Hello", meta, step, seq: 2, time: 1 },
  { type: "tool-call", toolCall: { id: "t", name: "clock", input: { zone: "UTC" } }, meta, step, seq: 3, time: 1 },
  { type: "tool-result", toolResult: { id: "t", result: "12:00" }, meta, step, seq: 4, time: 1 },
  { type: "final", text: "Hello", result: { a: 1 }, results: [{ a: 1 }], meta, step, seq: 5, time: 1 },
  { type: "error", error: "rate limit reached", code: "ERR_RATE_LIMIT", meta, step, seq: 6, time: 1 },
  { type: "interrupt", text: "Hel", meta, step, seq: 7, time: 1 },
  { type: "text", text: "a notice" },
  { type: "status", text: "warming up", meta },
  { type: "progress", progress: { value: 1, total: 2, message: "half" }, meta, step, seq: 9, time: 1 },
  { type: "log", log: { level: "info", data: { a: 1 } }, meta, step, seq: 10, time: 1 },
  {
    type: "context",
    context: {
      action: "summarize",
      maxTokens: 100,
      tokensBefore: 120,
      tokensAfter: 60,
      messagesBefore: 9,
      messagesAfter: 4,
      summary: "They met.",
    },
    meta,
    step,
    seq: 8,
    time: 1,
  },
];

const METHODS = {
  start: "handleStart",
  partial: "handlePartialCompletion",
  reasoning: "handleReasoning",
  "tool-call": "handleToolCall",
  "tool-result": "handleToolResult",
  progress: "handleProgress",
  log: "handleLog",
  context: "handleContext",
  final: "handleFinal",
  error: "handleError",
  interrupt: "handleInterrupt",
  text: "handleText",
  status: "handleStatus",
} as const;

describe("eventFromJSON()", () => {
  it("reads every type of event from text, bytes and objects, and keeps what it does not know", async () => {
    for (const event of EVENTS) {
      const extended = { ...event, more: [1] };
      expect(await eventFromJSON(JSON.stringify(extended))).toEqual(extended);
      expect(await eventFromJSON(new TextEncoder().encode(JSON.stringify(extended)))).toEqual(extended);
      expect(await eventFromJSON(extended)).toEqual(extended);
    }
  });

  it("names what is wrong", async () => {
    const cases: [unknown, RegExp][] = [
      ["{", /^Cannot read an event: it is not JSON: /],
      [new Uint8Array([0xff]), /it is not JSON/],
      ["[]", /expected an object, found a list/],
      [null, /found null/],
      [{}, /type: expected one of start, partial, .*, found nothing/],
      [{ type: "__proto__" }, /found "__proto__"/],
      [{ ...EVENTS[1], delta: 5 }, /delta: .*expected string/],
      [{ ...EVENTS[0], meta: { messageId: 1 } }, /meta\.messageId: /],
      [{ ...EVENTS[3], toolCall: { id: "t", name: "x", input: "no" } }, /toolCall\.input: /],
      [{ ...EVENTS[5], results: {} }, /results: /],
    ];
    for (const [value, message] of cases) {
      await expect(eventFromJSON(value)).rejects.toMatchObject({
        name: "ValidationError",
        code: "ERR_EVENT",
        message: expect.stringMatching(message),
      });
    }
  });

  it("has a schema for each type", async () => {
    expect(Object.keys(await loadEventSchemas())).toEqual(Object.keys(METHODS));
  });
});

describe("EventRouter", () => {
  it("calls the method for each type of event, in order", async () => {
    const bus = new MemoryPubSub();
    const router = new EventRouter({ publisher: bus });
    const calls: [string, ChatEvent][] = [];
    const handler = Object.fromEntries(
      Object.values(METHODS).map((name) => [name, (event: ChatEvent) => void calls.push([name, event])]),
    ) as ChatEventHandler;
    expect(await router.registerChatEventHandler("step.*", handler)).toBe("chat-step.*");
    const running = router.run();
    await router.running();
    expect(router.isRunning).toBe(true);
    for (const [i, event] of EVENTS.entries()) await bus.publish("step.a", i % 2 === 0 ? event : JSON.stringify(event));
    await expect.poll(() => calls).toEqual(EVENTS.map((event) => [METHODS[event.type], event]));
    await router.close();
    await running;
    expect(bus.topics()).toEqual([]);
  });

  it("has a step publish to a topic of its own", async () => {
    await using router = new EventRouter();
    const texts: string[] = [];
    let published: [Publisher, string] | undefined;
    let ended = false;
    const source = {
      addPublishedTopic(publisher: Publisher, topic: string) {
        published = [publisher, topic];
        return () => (ended = true);
      },
    };
    await router.registerChatEventHandler(source, { handleText: ({ text }) => void texts.push(text) });
    void router.run();
    await router.running();
    const [publisher, topic] = published!;
    await publisher.publish(topic, { type: "text", text: "hello" });
    await publisher.publish(topic, { type: "status", text: "passed over" });
    await expect.poll(() => texts).toEqual(["hello"]);
    await router.close();
    expect(ended).toBe(true);
  });

  it("sends what is no event to the poison topic with the reason, and goes on", async () => {
    const bus = new MemoryPubSub();
    await using router = new EventRouter({ publisher: bus });
    const poisoned: unknown[] = [];
    const texts: string[] = [];
    router.addHandler(
      "poison",
      "poison",
      ({ payload, metadata }) => void poisoned.push([payload, metadata["reason_poisoned"]]),
    );
    await router.registerChatEventHandler("step.*", { handleText: ({ text }) => void texts.push(text) });
    void router.run();
    await router.running();
    await bus.publish("step.a", "{ no JSON");
    await bus.publish("step.a", { type: "foreign" });
    await bus.publish("step.a", { type: "text", text: "fine" });
    await expect.poll(() => texts).toEqual(["fine"]);
    await expect
      .poll(() => poisoned)
      .toEqual([
        ["{ no JSON", expect.stringContaining("Cannot read an event: it is not JSON")],
        [{ type: "foreign" }, expect.stringContaining("type: expected one of")],
      ]);
    bus.close();
  });

  it("dumps raw events as they are", async () => {
    let out = "";
    await using router = new EventRouter({ output: { write: (text) => (out += text) } });
    router.addHandler("raw", "a", router.dumpRawEvents);
    void router.run();
    await router.running();
    await router.publisher.publish("a", EVENTS[8]);
    await router.publisher.publish("a", "text as it is");
    await expect.poll(() => out).toBe('{"type":"text","text":"a notice"}\ntext as it is\n');
  });

  it("wants a subscriber where the publisher is none", () => {
    expect(() => new EventRouter({ publisher: { publish: async () => {}, close: () => {} } })).toThrow(
      "the publisher is not a subscriber, give one",
    );
  });
});

async function printed(options: EventPrinterOptions, events: ChatEvent[] = EVENTS): Promise<string> {
  let out = "";
  const print = createEventPrinter({ ...options, output: { write: (text) => (out += text) } });
  for (const payload of events) await print({ payload } as never, {} as never);
  return out;
}

describe("createEventPrinter()", () => {
  it("prints text: deltas run together, everything else on lines of its own", async () => {
    expect(await printed({})).toBe(
      'Hello\n→ clock {"zone":"UTC"}\n← 12:00\nerror: rate limit reached\ninterrupted\na notice\nwarming up\n… 1 of 2: half\ninfo: {"a":1}\n(context: summarize, 9 messages to 4)\n',
    );
    expect(await printed({ name: "bot", includeMetadata: true }, [EVENTS[0]!, EVENTS[1]!, EVENTS[5]!])).toBe(
      'bot:\nHel\n(demo, 5 ms, {"inputTokens":1})\n',
    );
    expect(await printed({}, [EVENTS[0]!, EVENTS[5]!])).toBe("Hello\n");
  });

  it("prints json, with metadata or in full where that is asked for", async () => {
    const lines = (await printed({ format: "json" })).trimEnd().split("\n");
    expect(JSON.parse(lines[1]!)).toEqual({ type: "partial", delta: "Hel", completion: "Hel" });
    expect(JSON.parse(await printed({ format: "json", includeMetadata: true, name: "bot" }, [EVENTS[7]!]))).toEqual({
      name: "bot",
      type: "interrupt",
      text: "Hel",
      meta,
      step,
    });
    const full = (await printed({ format: "json", full: true }))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(full).toEqual(EVENTS);
  });

  it("prints yaml, one document per event", async () => {
    const { parseAllDocuments } = await import("yaml");
    const documents = parseAllDocuments(await printed({ format: "yaml", full: true }));
    expect(documents.map((document): unknown => ("toJS" in document ? document.toJS() : undefined))).toEqual(EVENTS);
  });

  it("refuses other formats", () => {
    expect(() => createEventPrinter({ format: "xml" as "json" })).toThrow(
      'Cannot print events as "xml": it must be text, json or yaml',
    );
  });
});

describe("PublisherManager", () => {
  it("publishes to every publisher of every topic, numbered, until it is unregistered", async () => {
    const buses = [new MemoryPubSub(), new MemoryPubSub()];
    const seen: string[] = [];
    for (const [i, bus] of buses.entries()) {
      void (async () => {
        for await (const { topic, payload, metadata, ack } of bus.subscribe("chat.*")) {
          seen.push(`${i} ${topic} ${String(payload)} ${metadata[SEQUENCE_NUMBER]}`);
          ack();
        }
      })();
    }
    const manager = new PublisherManager();
    manager.registerPublisher("chat.a", buses[0]!);
    const unregister = manager.registerPublisher("chat.a", buses[1]!);
    manager.registerPublisher("chat.b", buses[1]!);
    manager.registerPublisher("chat.b", buses[1]!);
    await manager.publish("x");
    unregister();
    manager.publishBlind("y");
    await expect
      .poll(() => seen.sort())
      .toEqual(["0 chat.a x 0", "0 chat.a y 1", "1 chat.a x 0", "1 chat.b x 0", "1 chat.b y 1"]);
    expect(manager.sequenceNumber).toBe(2);
    expect(manager.unregisterPublisher("chat.b", buses[1]!)).toBe(true);
    expect(manager.unregisterPublisher("chat.b", buses[1]!)).toBe(false);
    expect(manager.topics()).toEqual(["chat.a"]);
    manager.close();
    expect(manager.topics()).toEqual([]);
    for (const bus of buses) bus.close();
  });

  it("publishes to the others when one fails, and says which did", async () => {
    const log: string[] = [];
    const manager = new PublisherManager({ logger: { warn: () => {}, error: (text) => void log.push(text) } });
    const bus = new MemoryPubSub();
    const subscription = bus.subscribe("a");
    const publish = (): never => {
      throw new Error("disk full");
    };
    manager.registerPublisher("a", { publish, close: () => {} });
    manager.registerPublisher("a", bus);
    await expect(manager.publish(1)).rejects.toThrow("Cannot publish to 1 of 2 publishers: disk full");
    manager.publishBlind(2);
    await expect.poll(() => log).toEqual(["Cannot publish to 1 of 2 publishers: disk full"]);
    const seen: unknown[] = [];
    for await (const { payload, ack } of subscription) {
      seen.push(payload);
      ack();
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([1, 2]);
  });
});
