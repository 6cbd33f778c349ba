import { expect, it } from "vitest";
import {
  Cassette,
  recordingProvider,
  replayingProvider,
  RuntimeEngine,
  setupDefaults,
  type ChatProvider,
} from "../../src/index.ts";

/** Answers with its question's last word, after as many real milliseconds as the question begins with. */
const slow: ChatProvider = {
  name: "slow",
  async *stream({ messages }, { signal }) {
    const [ms = "0", word = ""] = (messages.at(-1)!.content as string).split(" ");
    await new Promise((resolve) => setTimeout(resolve, Number(ms)));
    signal.throwIfAborted();
    yield { type: "text", delta: word };
    yield { type: "end", stopReason: "stop", providerStopReason: "stop", engine: "slow" };
  },
};

const CODE = `
  const t0 = Date.now();
  setTimeout(() => console.log("timer", Date.now() - t0), 10);
  const asked = ["250 late", "20 early", "120 between"].map(async (question) => {
    const [{ text }] = await new ChatStepFactory().newStep().startAsync(question);
    console.log(text, Date.now() - t0);
    return text;
  });
  console.log("first", await Promise.race(asked));`;

async function run(wrap: (provider: ChatProvider) => ChatProvider, code = CODE): Promise<string> {
  let output = "";
  await using engine = new RuntimeEngine({
    deterministic: true,
    console: { stdout: (text) => void (output += text), stderr: (text) => void (output += text) },
    setup: [setupDefaults({ chat: { provider: "embedded" }, wrap })],
  });
  await engine.start();
  const { error } = await engine.runScript({ code });
  expect(error).toBeUndefined();
  return output;
}

it("answers of a cassette come in the order in which the server gave them, and take no time", async () => {
  const cassette = Cassette.inMemory();
  const recorded = await run(() => recordingProvider(slow, cassette));
  expect(recorded.trim().split("\n")).toEqual(["early 0", "first early", "between 0", "late 0", "timer 10"]);
  for (let i = 0; i < 5; i++) expect(await run(() => replayingProvider(cassette, { name: "slow" }))).toBe(recorded);
});

/** Answers with the letters of its question, each after the next of these pauses, in real milliseconds. */
function spelling(pauses: readonly number[]): ChatProvider {
  return {
    name: "slow",
    async *stream({ messages }, { signal }) {
      for (const letter of messages.at(-1)!.content as string) {
        await new Promise((resolve) => setTimeout(resolve, pauses[letter.charCodeAt(0) % pauses.length]));
        signal.throwIfAborted();
        yield { type: "text", delta: letter };
      }
      yield { type: "end", stopReason: "stop", providerStopReason: "stop", engine: "slow" };
    },
  };
}

const INTERLEAVED = `
  const order = [];
  const asked = ["abcdefg", "ABCDEFGHIJ", "0123456789"].map((question, i) => new Promise((resolve) => {
    new ChatStepFactory().newStep().runWithEvents(question, ({ type, delta }) => {
      // Reading the clock takes virtual time, which must not change whose turn it is.
      if (type === "partial") order.push(delta), Date.now();
      if (type === "final") resolve(order.push("|" + i));
    });
  }));
  await Promise.all(asked);
  console.log(order.join(" "));`;

it("streams of a cassette that came at the same time come piece by piece in the order of then", async () => {
  const cassette = Cassette.inMemory();
  const recorded = await run(() => recordingProvider(spelling([3, 0, 7, 1, 12]), cassette), INTERLEAVED);
  expect(recorded.split(" ")).toHaveLength(27 + 3);
  // Not one after the other.
  expect(recorded).not.toMatch(/a b c d e f g/);
  const kept = Cassette.inMemory(cassette.recordings);
  for (let i = 0; i < 3; i++) {
    expect(await run(() => replayingProvider(kept, { name: "slow" }), INTERLEAVED)).toBe(recorded);
  }
});

it("a recording says when its pieces came only where others came meanwhile", async () => {
  const cassette = Cassette.inMemory();
  const ask = (question: string): string => `await new ChatStepFactory().newStep().startAsync("${question}")`;
  const wrap = (): ChatProvider => recordingProvider(spelling([1]), cassette);
  await run(
    wrap,
    `${ask("abc")}; ${ask("def")}; ${ask("x")}; await Promise.all([0, 1].map(async () => ${ask("xy")}));`,
  );
  expect(cassette.recordings.map(({ times }) => times?.length)).toEqual([undefined, undefined, undefined, 3, 3]);
  const times = cassette.recordings.flatMap((recording) => recording.times ?? []);
  expect(new Set(times).size).toBe(6);
});
