import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  map,
  PipelineBuilder,
  provider,
  textToSpeech,
  toneGenerator,
  voiceActivity,
  webSocketSink,
  webSocketSource,
} from "../../../src/pipeline/index.ts";
import type { ChatProvider } from "../../../src/providers/chat-provider.ts";
import { opened, type SocketServer, startSocketServer } from "./socket-pair.ts";
import { speech } from "./tones.ts";

let server: SocketServer;

beforeEach(async () => {
  server = await startSocketServer();
});

afterEach(() => server.close());

/** Tells the first one a story without an end, and answers in a word after that. */
const storyteller: ChatProvider = {
  name: "storyteller",
  async *stream({ messages }, { signal }) {
    const isFirst = messages.length === 1;
    for (let i = 1; isFirst; i++) {
      await sleep(1, undefined, { signal }).catch(() => signal.throwIfAborted());
      yield { type: "text", delta: `This is sentence number ${i}. ` };
    }
    yield { type: "text", delta: `You have said ${messages.length} things.` };
    yield { type: "end", stopReason: "stop", providerStopReason: "stop", engine: "storyteller" };
  },
};

/** Hears how long somebody has spoken. */
const transcriber = map("transcriber", (element) =>
  element.kind === "audio" ? `Somebody spoke for ${String(element.metadata["speechMs"])} ms.` : element,
);

interface Frame {
  kind: string;
  message?: { role: string; text: string; metadata?: { interrupted?: boolean } };
}

describe("a voice session over one socket", () => {
  it("speaks and listens at once, and stops speaking when it is interrupted", async () => {
    const client = await opened(new WebSocket(server.url));
    client.binaryType = "arraybuffer";
    const socket = await server.next();
    const pipeline = new PipelineBuilder()
      .chain(
        webSocketSource("microphone", { socket }),
        voiceActivity("turns", { interrupt: true }),
        transcriber,
        provider("model", { chat: storyteller }),
        textToSpeech("speech", { synthesizer: toneGenerator() }),
        webSocketSink("speaker", { socket }),
      )
      .build();
    const ended = pipeline.executeSync();

    const frames: Frame[] = [];
    let soundBytes = 0;
    let bytesAtInterrupt = 0;
    const closed = new Promise<number>((resolve) => client.addEventListener("close", ({ code }) => resolve(code)));
    client.addEventListener("message", ({ data }: { data: string | ArrayBuffer }) => {
      if (typeof data !== "string") {
        soundBytes += data.byteLength;
        return;
      }
      const frame = JSON.parse(data) as Frame;
      frames.push(frame);
      if (frame.kind === "interrupt") bytesAtInterrupt = soundBytes;
    });

    client.send(speech(300, 400, 600));
    // The story has begun: there is something to interrupt.
    await expect.poll(() => soundBytes).toBeGreaterThan(50_000);
    client.send(speech(300, 200, 600));
    const isAnswer = ({ message }: Frame): boolean => message?.role === "assistant";
    await expect.poll(() => frames.filter(isAnswer).length).toBe(2);
    client.send('{"kind":"end-of-stream"}');
    await ended;

    const [story, answer] = frames.filter(isAnswer).map(({ message }) => message!);
    expect(story!.text).toMatch(/^This is sentence number 1\. This is sentence number 2\. /);
    expect(story!.metadata).toMatchObject({ interrupted: true });
    expect(answer!.text).toBe("You have said 3 things.");
    expect(frames.map(({ kind, message }) => message?.role ?? kind)).toEqual([
      "interrupt",
      "user",
      "audio-format",
      "assistant",
      "end-of-turn",
      "interrupt",
      "user",
      "assistant",
      "end-of-turn",
      "end-of-stream",
    ]);
    // The story does not go on after the interrupt: what is heard then is the answer, to the byte.
    const voice = toneGenerator().synthesize(answer!.text, { signal: new AbortController().signal });
    let answerBytes = 0;
    for await (const { samples } of voice) answerBytes += samples.length;
    expect(soundBytes - bytesAtInterrupt).toBe(answerBytes);
    expect(await closed).toBe(1000);
  });

  it("ends, with everything stopped, when the line goes dead in the middle of an answer", async () => {
    const client = await opened(new WebSocket(server.url));
    const socket = await server.next();
    let isStopped = false;
    const chat: ChatProvider = {
      name: "watched",
      async *stream(request, options) {
        try {
          yield* storyteller.stream(request, options);
        } finally {
          isStopped = true;
        }
      },
    };
    const run = new PipelineBuilder()
      .chain(
        webSocketSource("microphone", { socket }),
        voiceActivity("turns"),
        transcriber,
        provider("model", { chat }),
        textToSpeech("speech", { synthesizer: toneGenerator() }),
        webSocketSink("speaker", { socket }),
      )
      .build()
      .execute();
    const reading = (async () => {
      for await (const _ of run);
    })();
    const heard = new Promise((resolve) => client.addEventListener("message", resolve, { once: true }));
    client.send(speech(300, 400, 600));
    await heard;
    socket.terminate();
    await expect(reading).rejects.toThrow("The socket broke off: code 1006");
    await run.ended;
    await expect.poll(() => isStopped).toBe(true);
  });
});
