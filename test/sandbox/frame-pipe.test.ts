import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FramePipe } from "../../src/sandbox/frame-pipe.ts";
import { encodeMessage, MESSAGE, ProtocolError, type Message } from "../../src/sandbox/message.ts";
import { timed } from "../machine/machine-watch.ts";

interface End {
  input: PassThrough;
  messages: Message[];
  ends: (Error | undefined)[];
  pipe: FramePipe;
}

function open(): End {
  const end: Omit<End, "pipe"> = { input: new PassThrough(), messages: [], ends: [] };
  const pipe = new FramePipe(end.input, new PassThrough(), {
    onMessage: (message) => void end.messages.push(message),
    onEnd: (error) => void end.ends.push(error),
  });
  return { ...end, pipe };
}

/** Lets the stream hand on what was written to it. */
const handOn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const type = fc.constantFrom(...Object.values(MESSAGE));
const id = fc.nat(2 ** 32 - 1);
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const frame = fc.record({
  text: fc.string({ unit: "grapheme", maxLength: 50 }),
  buffers: fc.array(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes).buffer),
    { minLength: 1, maxLength: 3 },
  ),
});
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type, id, data: json }),
  fc.record({ type, id, data: json, frame }),
  fc.record({ type, id, data: json, frame: frame.map(({ text }) => ({ text })) }),
);

describe("FramePipe", () => {
  it("gives every message as it was sent, however the bytes are cut", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 10 }),
        async (sent, cuts) => {
          const { input, messages, ends } = open();
          const bytes = Buffer.concat(sent.map(encodeMessage));
          const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
          for (let i = 1; i < places.length; i++) input.write(bytes.subarray(places[i - 1], places[i]));
          await handOn();
          expect(messages).toEqual(sent);
          expect(ends).toEqual([]);
        },
      ),
      { numRuns: 150 },
    ));

  it("gives messages that arrive one byte at a time", async () => {
    const sent: Message[] = [
      { type: MESSAGE.call, id: 1, frame: { text: "é☃𝄞" } },
      { type: MESSAGE.ended, id: 2, data: { failure: null, cpuMs: 1.5 } },
      {
        type: MESSAGE.invoke,
        id: 3,
        data: {},
        frame: { text: "", buffers: [new Uint8Array([1, 2]).buffer, new ArrayBuffer(0)] },
      },
    ];
    const { input, messages } = open();
    for (const byte of Buffer.concat(sent.map(encodeMessage))) input.write(Buffer.from([byte]));
    await handOn();
    expect(messages).toEqual(sent);
  });

  it("gives a message of eight megabytes, in pieces, in linear time", async () => {
    const { input, messages } = open();
    const text = "x".repeat(8e6);
    const bytes = encodeMessage({ type: MESSAGE.call, id: 1, frame: { text } });
    const { ms, allow } = await timed(() => {
      for (let at = 0; at < bytes.length; at += 65_536) input.write(bytes.subarray(at, at + 65_536));
      return handOn();
    });
    expect(messages[0]?.frame?.text).toHaveLength(text.length);
    expect(ms).toBeLessThan(allow(2000));
  });

  it("never throws at random bytes: it ends with an error or waits for more", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 6 }),
        async (chunks) => {
          const { input, ends } = open();
          for (const chunk of chunks) input.write(Buffer.from(chunk));
          await handOn();
          expect(ends.length).toBeLessThanOrEqual(1);
          for (const error of ends) expect(error).toBeInstanceOf(Error);
        },
      ),
      { numRuns: 300 },
    ));

  it("never throws at a message with changed bytes, and gives nothing once it has ended", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 2, maxLength: 4 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (sent, changes) => {
          const { input, messages, ends } = open();
          const bytes = Buffer.concat(sent.map(encodeMessage));
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          input.write(bytes);
          await handOn();
          expect(messages.length).toBeLessThanOrEqual(sent.length + changes.length);
          for (const got of messages) expect([typeof got.type, typeof got.id]).toEqual(["number", "number"]);
          if (ends.length === 0) return;
          expect(ends).toEqual([expect.any(Error)]);
          const before = messages.length;
          input.write(encodeMessage({ type: MESSAGE.note, id: 1 }));
          await handOn();
          expect(messages).toHaveLength(before);
        },
      ),
      { numRuns: 300 },
    ));

  it("refuses a message that is too long before it has arrived", async () => {
    const { input, ends } = open();
    input.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    await handOn();
    expect(ends).toEqual([expect.any(ProtocolError)]);
    expect(ends[0]?.message).toContain("too long");
  });

  it("writes what follows from the messages of a burst together, within the turn of the event loop that hears them", async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const told: string[] = [];
    output.on("data", (bytes: Buffer) => void told.push(`written ${bytes.equals(answers) ? "together" : "otherwise"}`));
    const pipe = new FramePipe(input, output, {
      // As an asynchronous op is answered.
      onMessage: ({ id }) => queueMicrotask(() => pipe.send({ type: MESSAGE.answer, id })),
      onEnd: () => {},
    });
    const answers = Buffer.concat([1, 2].map((of) => encodeMessage({ type: MESSAGE.answer, id: of })));
    // From within the event loop's turn, as data come: what is begun here is heard before the next turn of it.
    await new Promise<void>((resolve) => {
      setTimeout(() => {
        input.write(Buffer.concat([1, 2].map((of) => encodeMessage({ type: MESSAGE.note, id: of }))));
        setTimeout(() => {
          told.push("next turn");
          resolve();
        });
        const until = performance.now() + 2;
        while (performance.now() < until);
      });
    });
    expect(told).toEqual(["written together", "next turn"]);
  });

  it("says once that the other side is gone, and sends nothing after that", async () => {
    const { input, ends, pipe } = open();
    input.end();
    await handOn();
    input.destroy();
    await handOn();
    expect(ends).toEqual([undefined]);
    expect(() => pipe.send({ type: MESSAGE.note, id: 1 })).not.toThrow();
  });

  it("says so when the pipe fails in either direction", async () => {
    for (const side of ["input", "output"] as const) {
      const [input, output] = [new PassThrough(), new PassThrough()];
      const ends: (Error | undefined)[] = [];
      const pipe = new FramePipe(input, output, { onMessage: () => {}, onEnd: (error) => void ends.push(error) });
      (side === "input" ? input : output).destroy(new Error("EPIPE"));
      await handOn();
      expect(ends[0]?.message).toBe("EPIPE");
      expect(ends).toHaveLength(1);
      expect(() => pipe.send({ type: MESSAGE.note, id: 1 })).not.toThrow();
    }
  });
});
