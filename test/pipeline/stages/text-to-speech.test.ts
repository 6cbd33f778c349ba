import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  type AudioData,
  endOfTurnElement,
  interruptElement,
  messageElement,
  PipelineBuilder,
  sink,
  type StreamElement,
  type Synthesizer,
  textToSpeech,
  type TextToSpeechOptions,
  toneGenerator,
} from "../../../src/pipeline/index.ts";
import { PhraseSplitter } from "../../../src/pipeline/stages/speech/phrase-splitter.ts";
import { runStages } from "./run-stages.ts";
import { timed } from "../../machine/machine-watch.ts";

const SOUND: AudioData = { samples: new Uint8Array(4), sampleRate: 8_000, channels: 1, format: "pcm16" };

/** Speaks each phrase in two pieces and remembers what it was given. */
class Parrot implements Synthesizer {
  readonly name = "parrot";
  readonly spoken: string[] = [];

  async *synthesize(text: string): AsyncGenerator<AudioData> {
    this.spoken.push(text);
    yield SOUND;
    yield SOUND;
  }
}

async function speak(input: readonly (StreamElement | string)[], options: Partial<TextToSpeechOptions> = {}) {
  const parrot = new Parrot();
  const elements = await runStages([textToSpeech("speech", { synthesizer: parrot, ...options })], input);
  return { spoken: parrot.spoken, elements, kinds: elements.map(({ kind }) => kind) };
}

async function gather(pieces: AsyncIterable<AudioData>): Promise<AudioData[]> {
  const all: AudioData[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

const END = endOfTurnElement();

describe("textToSpeech()", () => {
  it.each([
    ["text", (text: string) => text],
    ["message", (text: string) => messageElement({ role: "assistant", text })],
  ])("speaks a long %s to its last word, whatever characters it is cut between", async (_, toInput) => {
    const text = Array.from({ length: 3_000 }, (__, i) => `Dear friend ${i} \u{1F600}.`).join(" ");
    const { spoken } = await speak([toInput(text)]);
    expect(spoken.join(" ")).toBe(text);
  });

  it("begins to speak before it has looked through a text that is long", async () => {
    const segment = vi.spyOn(Intl.Segmenter.prototype, "segment");
    const seen: number[] = [];
    const synthesizer: Synthesizer = {
      name: "counting",
      async *synthesize() {
        seen.push(segment.mock.calls.reduce((sum, [text]) => sum + text.length, 0));
        yield SOUND;
      },
    };
    await runStages([textToSpeech("speech", { synthesizer })], ["Dear friend. ".repeat(100_000)]);
    segment.mockRestore();
    expect(seen[0]).toBeLessThan(100_000);
  });

  it("speaks sentence by sentence, as the text comes, and what is left at the end of the turn", async () => {
    const { spoken, elements } = await speak([
      "Hello the",
      "re, friend. How ",
      "are you today? I",
      " am",
      END,
      "Second turn",
    ]);
    expect(spoken).toEqual(["Hello there, friend.", "How are you today?", "I am", "Second turn"]);
    expect(elements.map(({ kind, metadata }) => metadata["text"] ?? kind)).toEqual(
      spoken.flatMap((text) => (text === "I am" ? [text, "audio", "end-of-turn"] : [text, "audio"])),
    );
  });

  it("speaks before the text is over", async () => {
    const heard: string[] = [];
    const first = Promise.withResolvers<void>();
    const stage = textToSpeech("speech", { synthesizer: toneGenerator() });
    const run = new PipelineBuilder()
      .chain(stage)
      .build()
      .execute(
        (async function* () {
          yield "The first sentence. ";
          await first.promise;
          yield "The second.";
        })(),
      );
    for await (const { metadata } of run) {
      if (metadata["text"] !== undefined) heard.push(metadata["text"] as string);
      first.resolve();
    }
    expect(heard).toEqual(["The first sentence.", "The second."]);
  });

  it("speaks an assistant's message where no text came before it, and no other message", async () => {
    const message = (role: string, text: string, metadata = {}) => messageElement({ role, text }, { metadata });
    const input = [
      message("assistant", "Long ago.", { history: true }),
      message("user", "Not mine."),
      message("assistant", "Only a message."),
      END,
      "As a text.",
      message("assistant", "As a text."),
      END,
    ];
    const { spoken, kinds } = await speak(input);
    expect(spoken).toEqual(["Only a message.", "As a text."]);
    const said = ["audio", "audio", "message", "end-of-turn"];
    expect(kinds).toEqual(["message", "message", ...said, ...said]);
  });

  it("hands texts on when told so", async () => {
    const { kinds } = await speak(["Hello there, friend. "], { passText: true });
    expect(kinds).toEqual(["text", "audio", "audio"]);
  });

  it("keeps short pieces together and cuts long ones between words", async () => {
    expect((await speak(["No. Oh. ", "I met Dr. ", "Li and J. Jones. So late. Bye."])).spoken).toEqual([
      "No. Oh. I met Dr. Li and J. Jones.",
      "So late. Bye.",
    ]);
    const words = Array.from({ length: 30 }, (_, i) => `word${i}`).join(" ");
    const { spoken } = await speak([words], { maxPhraseChars: 40 });
    expect(spoken.join(" ")).toBe(words);
    expect(Math.max(...spoken.map(({ length }) => length))).toBeLessThanOrEqual(40);
  });

  it("has nothing to say for white space", async () => {
    expect((await speak([" \n ", END, "", END])).kinds).toEqual(["end-of-turn", "end-of-turn"]);
  });

  it("drops at an interrupt what is not yet spoken, stops what is, and speaks what comes after", async () => {
    const aborted: string[] = [];
    const begun = Promise.withResolvers<void>();
    const slow: Synthesizer = {
      name: "slow",
      async *synthesize(text, { signal }) {
        yield SOUND;
        if (text.startsWith("After")) return;
        begun.resolve();
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        aborted.push(text);
        yield SOUND;
      },
    };
    const input = async function* () {
      yield "The first sentence. The second sentence. ";
      yield "The third";
      await begun.promise;
      yield " sentence. And ";
      yield interruptElement();
      yield "After it, all is well.";
    };
    const elements: StreamElement[] = [];
    const pipeline = new PipelineBuilder().chain(textToSpeech("speech", { synthesizer: slow })).build();
    for await (const element of pipeline.execute(input())) elements.push(element);
    expect(aborted).toEqual(["The first sentence."]);
    expect(elements.map(({ kind, metadata }) => metadata["text"] ?? kind)).toEqual([
      "The first sentence.",
      "interrupt",
      "After it, all is well.",
    ]);
  });

  it("stops the synthesizer at an interrupt although nobody takes the audio", async () => {
    let isStopped = false;
    const flood: Synthesizer = {
      name: "flood",
      async *synthesize() {
        try {
          for (;;) yield SOUND;
        } finally {
          isStopped = true;
        }
      },
    };
    const gate = Promise.withResolvers<void>();
    const interrupt = Promise.withResolvers<void>();
    const input = async function* () {
      yield "Once upon a time. ";
      await interrupt.promise;
      yield interruptElement();
    };
    const slow = sink("slow", () => gate.promise);
    const run = new PipelineBuilder()
      .chain(textToSpeech("speech", { synthesizer: flood }), slow)
      .build()
      .execute(input());
    await expect.poll(() => run.metrics()[0]!.elementsOut).toBeGreaterThan(16);
    expect(isStopped).toBe(false);
    interrupt.resolve();
    await expect.poll(() => isStopped).toBe(true);
    gate.resolve();
    await run.ended;
  });

  it("ends the execution when a phrase cannot be spoken, or makes an error of it", async () => {
    const hoarse: Synthesizer = {
      name: "hoarse",
      async *synthesize(text) {
        if (text.startsWith("Bad")) throw new Error("no voice");
        yield SOUND;
      },
    };
    const input = ["Bad things happen. Good things happen, too."];
    await expect(speak(input, { synthesizer: hoarse })).rejects.toThrow('Stage "speech" failed: no voice');
    const { kinds } = await speak(input, { synthesizer: hoarse, onError: "element" });
    expect(kinds).toEqual(["error", "audio"]);
  });

  it("stops at an abort although the synthesizer hangs", async () => {
    const begun = Promise.withResolvers<void>();
    const hanging: Synthesizer = {
      name: "hanging",
      async *synthesize() {
        begun.resolve();
        await new Promise(() => {});
        yield SOUND;
      },
    };
    const controller = new AbortController();
    const stage = textToSpeech("speech", { synthesizer: hanging });
    const running = runStages([stage], "Hello there, friend.", controller.signal);
    await begun.promise;
    controller.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
  });

  it("refuses phrases that have no room for words when it is made", () => {
    expect(() => textToSpeech("speech", { synthesizer: new Parrot(), maxPhraseChars: 5 })).toThrow(RangeError);
  });
});

describe("PhraseSplitter", () => {
  it("loses, adds and moves nothing, wherever the text is cut, and keeps within its bound", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "b ", ". ", "! ", "\n", "…", "。", "😀", "Mr. ", ", ", "3.14"),
      maxLength: 300,
    });
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (given, lengths) => {
        const splitter = new PhraseSplitter({ minChars: 8, maxChars: 40, locale: "en" });
        const phrases: string[] = [];
        for (let at = 0, i = 0; at < given.length; i++) {
          const length = lengths[i % lengths.length]!;
          phrases.push(...splitter.push(given.slice(at, at + length)));
          at += length;
        }
        phrases.push(...splitter.end());
        const bare = (value: string): string => value.replaceAll(/\s/g, "");
        expect(bare(phrases.join(""))).toBe(bare(given));
        for (const phrase of phrases) expect(phrase.length).toBeLessThanOrEqual(40);
        if (given.isWellFormed()) expect(phrases.every((phrase) => phrase.isWellFormed())).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("takes a long text in one piece without taking long", async () => {
    const splitter = new PhraseSplitter({ minChars: 8, maxChars: 40, locale: "en" });
    const {
      result: phrases,
      ms,
      allow,
    } = await timed(() => [...splitter.push("word ".repeat(100_000)), ...splitter.end()]);
    expect(phrases.length).toBeGreaterThan(10_000);
    expect(ms).toBeLessThan(allow(5_000));
  });
});

describe("toneGenerator()", () => {
  const collect = async (text: string, sampleRate?: number): Promise<AudioData[]> => {
    const voice = toneGenerator(sampleRate === undefined ? {} : { sampleRate });
    const signal = new AbortController().signal;
    return gather(voice.synthesize(text, { signal }));
  };

  it("gives the same PCM16 for the same text, a piece for each word, longer for longer words", async () => {
    const [first, again] = [await collect("Hello, wide world"), await collect("hello WIDE world!")];
    expect(first).toEqual(again);
    expect(first.map(({ samples }) => samples.length)).toEqual([180, 160, 180].map((ms) => (ms + 40) * 16 * 2));
    expect(first[0]).toMatchObject({ sampleRate: 16_000, channels: 1, format: "pcm16" });
    expect(first[0]!.samples).not.toEqual(first[2]!.samples);
  });

  it("begins and ends each tone quietly", async () => {
    const [word] = await collect("hello", 8_000);
    const samples = Buffer.from(word!.samples);
    expect(samples.length).toBe(220 * 8 * 2);
    expect([samples.readInt16LE(0), samples.readInt16LE(samples.length - 2)]).toEqual([0, 0]);
    expect(Math.max(...Array.from({ length: 100 }, (_, i) => samples.readInt16LE(400 + 2 * i)))).toBeGreaterThan(5_000);
  });

  it("says nothing where there are no words, and stops at an abort", async () => {
    expect(await collect("… !? —")).toEqual([]);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(gather(toneGenerator().synthesize("word", { signal }))).rejects.toThrow("enough");
  });
});
