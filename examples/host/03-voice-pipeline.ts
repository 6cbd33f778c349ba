// A voice assistant without key or network: audio in, voice activity, the embedded demo model, speech out. Whoever is at
// the microphone speaks in tones, as the assistant does.
// Build first (npm run build), then: node examples/host/03-voice-pipeline.ts
import {
  audioElement,
  map,
  PipelineBuilder,
  provider,
  type StreamElement,
  textToSpeech,
  toneGenerator,
  voiceActivity,
} from "geppetto-js/pipeline";

const voice = toneGenerator();
const phrases = ["Good morning", "Tell me about the weather in Paris", "Thank you and goodbye"];

/** A phrase as PCM16, 16,000 samples a second. */
async function record(phrase: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const { signal } = new AbortController();
  for await (const { samples } of voice.synthesize(phrase, { signal })) pieces.push(samples);
  return Buffer.concat(pieces);
}

const recordings = new Map(await Promise.all(phrases.map(async (each) => [each, await record(each)] as const)));

/** What a microphone gives: 100 ms at a time, a click, and a second of silence after each phrase. */
function* microphone(): Generator<StreamElement> {
  const second = Buffer.alloc(32_000);
  const click = Buffer.from(recordings.get(phrases[0]!)!.subarray(0, 1_000));
  const sound = Buffer.concat([
    second,
    click,
    ...[...recordings.values()].flatMap((phrase) => [second, phrase]),
    second,
  ]);
  for (let at = 0; at < sound.length; at += 3_200) {
    yield audioElement({ samples: sound.subarray(at, at + 3_200), sampleRate: 16_000, format: "pcm16" });
  }
}

/** Stands for a speech recogniser: it knows the phrases by their sound. */
const transcriber = map("transcriber", (element) => {
  if (element.kind !== "audio") return element;
  const heard = Buffer.from(element.audio.samples);
  return phrases.find((phrase) => heard.includes(recordings.get(phrase)!)) ?? "(something else)";
});

const pipeline = new PipelineBuilder()
  .chain(
    voiceActivity("turns"),
    transcriber,
    provider("model", { chat: { provider: "embedded", deltaMs: 0 }, system: "You are a voice assistant." }),
    textToSpeech("speech", { synthesizer: voice }),
  )
  .build();

let spokenMs = 0;
for await (const element of pipeline.execute(microphone())) {
  if (element.kind === "audio") {
    if (element.metadata["text"] !== undefined) console.log("speaks:", element.metadata["text"]);
    spokenMs += element.audio.samples.length / 32;
  } else if (element.kind === "message" && "role" in element.message) {
    const { startMs, endMs } = element.metadata;
    if (startMs !== undefined) console.log("[heard from", startMs, "to", endMs, "ms]");
    console.log(`${element.message.role}:`, element.message.text);
  } else if (element.kind === "end-of-turn") {
    console.log("[spoke for", spokenMs, "ms]\n");
    spokenMs = 0;
  }
}
console.log(pipeline.toMermaid());
