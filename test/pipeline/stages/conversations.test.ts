import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  endOfStreamElement,
  endOfTurnElement,
  errorElement,
  interruptElement,
  MemoryStateStore,
  PipelineBuilder,
  PipelineConfig,
  provider,
  stateStoreSave,
  type StreamElement,
  textElement,
  textToSpeech,
  toneGenerator,
} from "../../../src/pipeline/index.ts";
import { messageInWords, messagesOf } from "./run-stages.ts";

/** What may come in: words, and every signal. */
const token: fc.Arbitrary<() => StreamElement> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("one ", "two ", "three ").map((text) => () => textElement(text)) },
  { weight: 3, arbitrary: fc.constant(() => endOfTurnElement()) },
  { weight: 1, arbitrary: fc.constant(() => interruptElement()) },
  { weight: 1, arbitrary: fc.constant(() => errorElement(new Error("noise"))) },
);

const isEnd = ({ kind }: StreamElement): boolean => kind === "end-of-turn" || kind === "end-of-stream";
const isSignal = ({ kind }: StreamElement): boolean => kind === "interrupt" || kind === "error";

/** The texts of the turns that hold one. */
function turnsOf(input: readonly StreamElement[]): string[] {
  const turns = [""];
  for (const element of input) {
    if (isEnd(element)) turns.push("");
    else if (element.kind === "text") turns[turns.length - 1] += element.text;
  }
  return turns.filter((turn) => turn !== "");
}

describe("provider(), textToSpeech() and stateStoreSave() in a row", () => {
  it("keep every word and every signal, and answer every turn that nobody interrupts", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(token, { maxLength: 25 }),
        fc.constantFrom(1, 2, 16),
        fc.boolean(),
        fc.scheduler(),
        async (tokens, size, hasEnd, scheduler) => {
          const input = [...tokens.map((make) => make()), ...(hasEnd ? [endOfStreamElement()] : [])];
          const feed = async function* (): AsyncGenerator<StreamElement> {
            for (const element of input) {
              await scheduler.schedule(Promise.resolve());
              yield element;
            }
          };
          const store = new MemoryStateStore();
          const pipeline = new PipelineBuilder(new PipelineConfig().withChannelBufferSize(size))
            .chain(
              provider("model", { chat: { provider: "embedded", deltaMs: 0 } }),
              textToSpeech("speech", { synthesizer: toneGenerator({ sampleRate: 1_000 }) }),
              stateStoreSave("save", { store, conversationId: "c" }),
            )
            .build();
          const output: StreamElement[] = [];
          const reading = (async () => {
            for await (const element of pipeline.execute(feed())) output.push(element);
          })();
          await scheduler.waitFor(reading);

          const messages = messagesOf(output).map(messageInWords);
          const turns = turnsOf(input);
          expect(messages.filter((text) => text.startsWith("user: "))).toEqual(turns.map((turn) => `user: ${turn}`));
          expect(output.filter(isSignal).map(({ kind }) => kind)).toEqual(
            input.filter(isSignal).map(({ kind }) => kind),
          );
          const answers = messages.filter((text) => text.startsWith("assistant: "));
          expect(answers.length).toBeLessThanOrEqual(turns.length);
          if (!input.some(({ kind }) => kind === "interrupt")) expect(answers).toHaveLength(turns.length);
          const given = input.filter(({ kind }) => kind === "end-of-turn").length;
          const lastEnd = input.findLastIndex(({ kind }) => kind === "end-of-turn");
          const isOpen = input.slice(lastEnd + 1).some(({ kind }) => kind === "text");
          expect(output.filter(({ kind }) => kind === "end-of-turn")).toHaveLength(given + (isOpen ? 1 : 0));
          expect((await store.load("c")).map(messageInWords)).toEqual(messages);
        },
      ),
      { numRuns: 60 },
    );
  });
});
