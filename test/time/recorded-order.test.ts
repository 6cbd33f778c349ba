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

async function run(wrap: (provider: ChatProvider) => ChatProvider): Promise<string> {
  let output = "";
  await using engine = new RuntimeEngine({
    deterministic: true,
    console: { stdout: (text) => void (output += text), stderr: (text) => void (output += text) },
    setup: [setupDefaults({ chat: { provider: "embedded" }, wrap })],
  });
  await engine.start();
  const { error } = await engine.runScript({ code: CODE });
  expect(error).toBeUndefined();
  return output;
}

it("answers of a cassette come in the order in which the server gave them, and take no time", async () => {
  const cassette = Cassette.inMemory();
  const recorded = await run(() => recordingProvider(slow, cassette));
  expect(recorded.trim().split("\n")).toEqual(["early 0", "first early", "between 0", "late 0", "timer 10"]);
  for (let i = 0; i < 5; i++) expect(await run(() => replayingProvider(cassette, { name: "slow" }))).toBe(recorded);
});
