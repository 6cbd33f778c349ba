import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  audioElement,
  endOfStreamElement,
  endOfTurnElement,
  errorElement,
  type StreamElement,
  voiceActivity,
  type VoiceActivityOptions,
} from "../../../src/pipeline/index.ts";
import { runStages } from "./run-stages.ts";
import { audio, SAMPLE_RATE, speech, tone } from "./tones.ts";

const MARGINS = { preRollMs: 100, hangoverMs: 100, minSilenceMs: 500, minSpeechMs: 100 };

interface Turn {
  startMs: number;
  endMs: number;
  speechMs: number;
  reason: string;
  samples: Uint8Array;
}

/** The turns that were found, and the kinds of all that came out. */
async function listen(
  input: readonly StreamElement[],
  options: VoiceActivityOptions = MARGINS,
): Promise<{ turns: Turn[]; kinds: string[] }> {
  const elements = await runStages([voiceActivity("turns", options)], input);
  const turns = elements.flatMap((element) =>
    element.kind === "audio" ? [{ ...(element.metadata as unknown as Turn), samples: element.audio.samples }] : [],
  );
  return { turns, kinds: elements.map(({ kind }) => kind) };
}

/** Where the turns are, without their samples. */
function places(turns: readonly Turn[]): unknown[] {
  return turns.map(({ startMs, endMs, speechMs, reason }) => [startMs, endMs, speechMs, reason]);
}

/** The same bytes in pieces of these lengths, by turns. */
function inPieces(samples: Buffer, lengths: readonly number[]): StreamElement[] {
  const elements: StreamElement[] = [];
  for (let at = 0, i = 0; at < samples.length; i++) {
    const length = lengths[i % lengths.length]!;
    elements.push(audio(samples.subarray(at, at + length)));
    at += length;
  }
  return elements;
}

describe("voiceActivity()", () => {
  it("makes one audio element and an end of turn of what is said between silences, to the sample", async () => {
    const samples = speech(1_000, 600, 800, 400, 800);
    const { turns, kinds } = await listen([audio(samples)]);
    expect(kinds).toEqual(["audio", "end-of-turn", "audio", "end-of-turn"]);
    expect(places(turns)).toEqual([
      [900, 1_700, 600, "silence"],
      [2_300, 2_900, 400, "silence"],
    ]);
    const [first] = turns;
    const byteAt = (ms: number): number => (SAMPLE_RATE / 1_000) * ms * 2;
    expect(samples.subarray(byteAt(900), byteAt(1_700)).equals(first!.samples)).toBe(true);
  });

  it("takes a pause that is shorter than minSilenceMs for part of the turn", async () => {
    const pause = await listen([audio(speech(500, 300, 480, 300, 600))]);
    expect(places(pause.turns)).toEqual([[400, 1_680, 600, "silence"]]);
    const silence = await listen([audio(speech(500, 300, 500, 300, 600))]);
    expect(silence.turns).toHaveLength(2);
  });

  it("takes a click that is shorter than minSpeechMs for none", async () => {
    const { turns, kinds } = await listen([audio(speech(500, 80, 500, 100, 600))]);
    expect(kinds).toEqual(["audio", "end-of-turn"]);
    expect(places(turns)).toEqual([[980, 1_280, 100, "silence"]]);
  });

  it("gives nothing for silence alone, nor for a hum that is not loud", async () => {
    expect((await listen([audio(speech(5_000))])).kinds).toEqual([]);
    expect((await listen([audio(tone(5_000, 0.005))])).kinds).toEqual([]);
  });

  it("takes a loud hum for speech only until the noise floor has followed it, and hears speech above it", async () => {
    const hum = tone(8_000, 0.05);
    const { turns } = await listen([audio(Buffer.concat([hum, tone(600, 0.9), tone(1_000, 0.05)]))]);
    expect(turns).toHaveLength(2);
    expect(turns[0]!.endMs).toBeLessThan(4_000);
    expect(places(turns.slice(1))).toEqual([[7_900, 8_700, 600, "silence"]]);
  });

  it("hears speech again as soon as it is quiet after noise", async () => {
    const samples = Buffer.concat([tone(6_000, 0.3), speech(1_000, 400, 700)]);
    const { turns } = await listen([audio(samples)]);
    expect(turns.at(-1)).toMatchObject({ startMs: 6_900, endMs: 7_500 });
  });

  it("cuts a turn at maxTurnMs and goes on with the next at once", async () => {
    const { turns, kinds } = await listen([audio(speech(500, 2_300, 700))], { ...MARGINS, maxTurnMs: 1_000 });
    expect(places(turns)).toEqual([
      [400, 1_400, 900, "max-turn"],
      [1_400, 2_400, 1_000, "max-turn"],
      [2_400, 2_900, 400, "silence"],
    ]);
    expect(kinds).toEqual(Array.from({ length: 3 }, () => ["audio", "end-of-turn"]).flat());
  });

  it("gives no turn of silence after a cut", async () => {
    const { turns } = await listen([audio(speech(500, 900, 2_000))], { ...MARGINS, maxTurnMs: 1_000 });
    expect(places(turns)).toEqual([[400, 1_400, 900, "max-turn"]]);
  });

  it("hands on what is being said when the stream ends, to its last whole sample", async () => {
    const samples = Buffer.concat([speech(500, 305), Buffer.alloc(1)]);
    const { turns, kinds } = await listen([audio(samples)]);
    expect(kinds).toEqual(["audio", "end-of-turn"]);
    expect(places(turns)).toEqual([[400, 805, 300, "end"]]);
    expect(samples.subarray(2 * 400 * 16, -1).equals(turns[0]!.samples)).toBe(true);
  });

  it("ends the turn at an end of the turn or of the stream from outside, once", async () => {
    const said = audio(speech(500, 300));
    const { kinds } = await listen([said, endOfTurnElement(), endOfTurnElement(), said, endOfStreamElement()]);
    expect(kinds).toEqual(["audio", "end-of-turn", "end-of-turn", "audio", "end-of-turn", "end-of-stream"]);
  });

  it("finds the same wherever the bytes are cut, within a sample too", async () => {
    const samples = speech(400, 300, 700, 200, 600);
    const whole = await listen([audio(samples)]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 9_001 }), { minLength: 1, maxLength: 5 }),
        async (lengths) => {
          const cut = await listen(inPieces(samples, [...lengths, 4_001]));
          expect(places(cut.turns)).toEqual(places(whole.turns));
          expect(cut.turns.map((turn) => Buffer.from(turn.samples))).toEqual(
            whole.turns.map((turn) => Buffer.from(turn.samples)),
          );
        },
      ),
      { numRuns: 20 },
    );
  });

  it("sends an interrupt when speech begins, before its audio, and none for a cut", async () => {
    const options = { ...MARGINS, interrupt: true, maxTurnMs: 1_000 };
    const { kinds } = await listen([audio(speech(500, 80, 500, 1_500, 700))], options);
    expect(kinds).toEqual(["interrupt", "audio", "end-of-turn", "audio", "end-of-turn"]);
  });

  it("says so while the speech goes on, and not when it is over", async () => {
    const { kinds } = await listen(
      [audio(speech(500, 300)), errorElement(new Error("marker")), audio(speech(0, 300, 600))],
      {
        ...MARGINS,
        interrupt: true,
      },
    );
    expect(kinds).toEqual(["interrupt", "error", "audio", "end-of-turn"]);
  });

  it("listens to all channels", async () => {
    const left = speech(500, 300, 600);
    const stereo = Buffer.alloc(left.length * 2);
    for (let at = 0; at < left.length; at += 2) stereo.writeInt16LE(left.readInt16LE(at), at * 2 + 2);
    const { turns } = await listen([
      audioElement({ samples: stereo, sampleRate: SAMPLE_RATE, channels: 2, format: "pcm16" }),
    ]);
    expect(places(turns)).toEqual([[400, 900, 300, "silence"]]);
    expect(turns[0]!.samples).toHaveLength(500 * 16 * 4);
  });

  it("hears at other sample rates", async () => {
    for (const rate of [8_000, 24_000, 48_000]) {
      const samples = Buffer.concat([tone(500, 0, rate), tone(300, 0.5, rate), tone(600, 0, rate)]);
      expect(places((await listen([audio(samples, rate)])).turns)).toEqual([[400, 900, 300, "silence"]]);
    }
  });

  it.each([
    [{ sampleRate: 8_000 }, "it changes from 16000 Hz with 1 channel to 8000 Hz with 1 channel"],
    [{ channels: 2 }, "it changes from 16000 Hz with 1 channel to 16000 Hz with 2 channels"],
    [{ format: "mp3" as const }, "it takes pcm16, got mp3"],
    [{ sampleRate: 0 }, "a sample rate of 0 Hz"],
    [{ channels: 0 }, "0 channels"],
  ])("ends the execution for audio that becomes %o", async (change, why) => {
    const form = { samples: speech(100), sampleRate: SAMPLE_RATE, format: "pcm16" as const };
    const input = [audioElement(form), audioElement({ ...form, ...change })];
    await expect(listen(input)).rejects.toThrow(`Stage "turns" failed: Cannot listen to this audio: ${why}`);
  });

  it.each([
    [{ minSilenceMs: -1 }, "minSilenceMs must be a positive number of milliseconds, at most 2147483647, got -1"],
    [{ maxTurnMs: Number.NaN }, "maxTurnMs must be a positive number of milliseconds, at most 2147483647, got NaN"],
    [{ hangoverMs: 900 }, "hangoverMs is longer than minSilenceMs"],
    [{ maxTurnMs: 50 }, "maxTurnMs is shorter than preRollMs and minSpeechMs"],
    [{ minSilence: 300 } as VoiceActivityOptions, 'there is no option "minSilence"; did you mean "minSilenceMs"?'],
  ])("refuses the settings %o when it is made", (options, why) => {
    expect(() => voiceActivity("turns", options)).toThrow(`Cannot make stage "turns": ${why}`);
  });

  it("takes undefined for what is not given", () => {
    expect(() => voiceActivity("turns", { maxTurnMs: undefined } as object)).not.toThrow();
  });
});
