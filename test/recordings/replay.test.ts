import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createChatProvider } from "../../src/providers/create-chat-provider.ts";
import { Cassette, recordingProvider, replayingProvider, RunLog } from "../../src/recordings/index.ts";
import { chatOver, place, run, usePlace, type Result } from "./replay-fixture.ts";

usePlace();

/** What the host adds to what scripts ask. */
const defaults = { model: "m" };

const SCRIPT = `
  const step = new ChatStepFactory().newStep({ temperature: 0.5 });
  const types = [];
  const streamed = await new Promise((resolve) => {
    step.runWithEvents("Grüße, 世界 😀 in pieces", (event) => {
      types.push(event.type);
      if (event.type === "partial") process.stdout.write("[" + event.delta + "]");
      if (event.type === "final") resolve(event.text);
    });
  });
  console.log("\\n" + types.join(" ") + "\\n" + streamed);
  const both = await Promise.all(["first", "second"].map((text) => step.startAsync(text)));
  console.log(both.map(([message]) => String(message)).join());
  try { await step.startAsync("fail"); } catch (error) { console.log(error.name, error.code, error.message); }
  const conversation = new Conversation();
  conversation.addMessage("system", "Be brief");
  conversation.addMessage("user", "from a conversation");
  console.log(String((await step.startAsync(conversation))[0]));
  const clock = {
    name: "clock",
    description: "Tells the time",
    input: { type: "object", properties: { zone: { type: "string" } } },
    run: ({ zone }) => "noon in " + zone,
  };
  const [told] = await new ChatStepFactory().newStep({ tools: [clock] }).startAsync("clock");
  console.log(String(told), JSON.stringify(told.metadata.usage));
`;

const CANCELLING = `
  const cancelled = new ChatStepFactory().newStep();
  await new Promise((resolve) => {
    cancelled.runWithEvents("a long answer that nobody waits for", (event) => {
      if (event.type === "partial") cancelled.cancel();
      if (event.type === "interrupt") resolve(console.log("interrupted after", event.text));
    });
  });
`;

describe("A script that was recorded against a server", () => {
  it.each(["process", "thread"] as const)(
    "prints the same bytes and publishes the same events from the cassette with the server down, 20 times of 20, in a %s",
    async (isolation) => {
      const file = join(place.folder, "script.cassette.json");
      let recorded: Result;
      {
        await using cassette = await Cassette.open(file);
        const provider = recordingProvider(createChatProvider(place.settings, { env: {} }), cassette, { defaults });
        recorded = await run(chatOver(provider), SCRIPT, isolation);
      }
      expect(place.server.requests).toBe(7);
      expect(recorded.stdout).toContain("[Grü][ße,]");
      expect(recorded.stdout).toContain("the prompt is not to my taste");
      expect(recorded.stdout).toContain("noon in UTC {");
      await place.server.stop();
      for (let i = 0; i < 20; i++) {
        const provider = replayingProvider(await Cassette.open(file), { defaults });
        const replayed = await run(chatOver(provider), SCRIPT, isolation);
        expect(replayed.stdout).toBe(recorded.stdout);
        expect(replayed.runs).toEqual(recorded.runs);
      }
      await expect(
        createChatProvider(place.settings, { env: {} })
          .stream({ model: "", messages: [] }, { signal: new AbortController().signal })
          .next(),
      ).rejects.toThrow();
    },
  );

  it("sees the same when it cancels a run in its middle", async () => {
    const cassette = Cassette.inMemory();
    const recorded = await run(
      chatOver(recordingProvider(createChatProvider(place.settings, { env: {} }), cassette)),
      CANCELLING,
    );
    expect(recorded.stdout).toBe("interrupted after a l\n");
    await place.server.stop();
    for (let i = 0; i < 5; i++) {
      const replayed = await run(chatOver(replayingProvider(cassette)), CANCELLING);
      expect(replayed.stdout).toBe(recorded.stdout);
      // How far the host is ahead of a script that cancels is not the same twice; how it ends is.
      expect(replayed.runs[0]!.at(-1)).toMatchObject({ type: "interrupt", text: "a l" });
    }
  });

  it("is replayed from the log of runs, with the recordings that were noted there", async () => {
    using log = RunLog.open(join(place.folder, "runs.sqlite"));
    const cassette = Cassette.inMemory();
    const recorded = await run(
      chatOver(recordingProvider(createChatProvider(place.settings, { env: {} }), cassette)),
      SCRIPT,
    );
    await log.begin({ script: "script.js", source: SCRIPT }).end({ ok: true }, { recordings: cassette.recordings });
    await place.server.stop();
    const { source, recordings } = log.show("last")!;
    const replayed = await run(chatOver(replayingProvider(Cassette.inMemory(recordings))), source!);
    expect(replayed.stdout).toBe(recorded.stdout);
    expect(replayed.runs).toEqual(recorded.runs);
  });

  it("fails with what differs when it asks something else", async () => {
    const file = join(place.folder, "script.cassette.json");
    {
      await using cassette = await Cassette.open(file);
      await run(chatOver(recordingProvider(createChatProvider(place.settings, { env: {} }), cassette)), SCRIPT);
    }
    const { value } = await run(
      chatOver(replayingProvider(await Cassette.open(file))),
      'await new ChatStepFactory().newStep({ temperature: 0.5 }).startAsync("third");',
    );
    expect(value).toMatchObject({
      name: "ReplayError",
      code: "ERR_REPLAY_MISS",
      fromHost: true,
      message: expect.stringContaining('where messages[0].content differs: recorded "'),
    });
  });
});
