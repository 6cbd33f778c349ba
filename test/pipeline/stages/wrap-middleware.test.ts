import { describe, expect, it } from "vitest";
import {
  audioElement,
  endOfTurnElement,
  messageElement,
  type Middleware,
  textElement,
  wrapMiddleware,
} from "../../../src/pipeline/index.ts";
import { inWords, messagesOf, runStages } from "./run-stages.ts";

describe("wrapMiddleware()", () => {
  it("calls the middleware once for each turn, with its messages, and hands on what it leaves", async () => {
    const turns: number[] = [];
    const middleware: Middleware = async (context, next) => {
      turns.push(context.messages.length);
      context.messages.unshift({ role: "system", text: "Be kind." });
      await next();
      context.response = { role: "assistant", text: "Yes." };
    };
    const input = ["Hel", "lo", messageElement({ role: "user", text: "You?" }), endOfTurnElement(), "Bye"];
    expect(inWords(await runStages([wrapMiddleware("m", middleware)], input))).toEqual([
      "system: Be kind.",
      "user: Hello",
      "user: You?",
      "assistant: Yes.",
      "<end-of-turn>",
      "system: Be kind.",
      "user: Bye",
      "assistant: Yes.",
    ]);
    expect(turns).toEqual([2, 1]);
  });

  it("hands on a response that is among the messages once, and last", async () => {
    const middleware: Middleware = (context) => {
      context.response = { role: "assistant", text: "A" };
      context.messages.unshift(context.response);
    };
    const elements = await runStages([wrapMiddleware("m", middleware)], "q");
    expect(inWords(elements)).toEqual(["user: q", "assistant: A"]);
  });

  it("takes the metadata together, as plain JSON, and gives what it is afterwards to every message", async () => {
    const circle: Record<string, unknown> = { at: new Date(0), big: 3n, run() {}, error: new RangeError("far") };
    circle["self"] = circle;
    let seen: unknown;
    const middleware: Middleware = (context) => {
      seen = context.metadata;
      context.metadata = { ...context.metadata, mine: new Set([1, Number.NaN]) };
    };
    const input = [
      textElement("a", { metadata: { circle } }),
      messageElement({ role: "user", text: "b" }, { metadata: { k: 1 } }),
    ];
    const elements = await runStages([wrapMiddleware("m", middleware)], input);
    const plain = {
      circle: { at: "1970-01-01T00:00:00.000Z", big: "3", error: { name: "RangeError", message: "far" } },
      k: 1,
    };
    expect(seen).toEqual(plain);
    expect(elements.map(({ metadata }) => metadata)).toEqual(
      Array.from({ length: 2 }, () => ({ ...plain, mine: [1, null] })),
    );
  });

  it("does not let metadata change what an object is", async () => {
    const metadata = JSON.parse('{"__proto__": {"isAdmin": true}}') as Record<string, unknown>;
    let isAdmin: unknown = "unseen";
    const stage = wrapMiddleware("m", (context) => void (isAdmin = context.metadata["isAdmin"]));
    await runStages([stage], textElement("a", { metadata }));
    expect(isAdmin).toBeUndefined();
  });

  it("makes one message of texts and images, and passes audio as it is", async () => {
    const image = { kind: "image", data: new Uint8Array([1, 2, 3]), mediaType: "image/png" } as const;
    const parts = {
      ...textElement(""),
      kind: "parts" as const,
      parts: [
        { type: "text" as const, text: "what" },
        { type: "image" as const, image },
      ],
    };
    const sound = audioElement({ samples: new Uint8Array(2), sampleRate: 8_000, format: "pcm16" });
    const elements = await runStages([wrapMiddleware("m", () => {})], [textElement("See "), parts, sound]);
    expect(inWords(elements)).toEqual(["audio", "user: See what"]);
    expect(messagesOf(elements)[0]).toMatchObject({ images: [{ imageURL: "data:image/png;base64,AQID" }] });
  });

  it("ends the execution with what the middleware throws", async () => {
    const stage = wrapMiddleware("m", () => {
      throw new TypeError("broken link");
    });
    await expect(runStages([stage], "x")).rejects.toThrow('Stage "m" failed: broken link');
  });

  it("stops at an abort although the middleware does not", async () => {
    const begun = Promise.withResolvers<AbortSignal>();
    const stage = wrapMiddleware("m", (context) => {
      begun.resolve(context.signal);
      return new Promise(() => {});
    });
    const controller = new AbortController();
    const running = runStages([stage], "x", controller.signal);
    const signal = await begun.promise;
    controller.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
    expect(signal.aborted).toBe(true);
  });
});
