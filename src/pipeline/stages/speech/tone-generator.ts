import { setImmediate as nextTick } from "node:timers/promises";
import type { AudioData } from "../../elements/element.ts";
import type { Synthesizer } from "./synthesizer.ts";

export interface ToneGeneratorOptions {
  /** Hz; default 16,000. */
  sampleRate?: number;
}

const WORD = /[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu;
const GAP_MS = 40;
const AMPLITUDE = 0.3;
/** Rise and fall of a tone, so that it does not click. */
const FADE_MS = 5;

/**
 * Speaks in tones: one for each word, longer for longer words, with a short gap after it. No network, and the same text
 * is always the same PCM16, on one channel: for tests and demonstrations.
 *
 * @example
 * const voice = toneGenerator();
 * for await (const { samples } of voice.synthesize("Hello", { signal })) speaker.write(samples);
 */
export function toneGenerator({ sampleRate = 16_000 }: ToneGeneratorOptions = {}): Synthesizer {
  return {
    name: "tones",
    async *synthesize(text, { signal }): AsyncGenerator<AudioData> {
      for (const [word] of text.toLowerCase().matchAll(WORD)) {
        await nextTick();
        signal.throwIfAborted();
        yield { samples: toneOf(word, sampleRate), sampleRate, channels: 1, format: "pcm16" };
      }
    },
  };
}

function toneOf(word: string, sampleRate: number): Uint8Array {
  const toneLength = Math.round((sampleRate * (80 + 20 * Math.min(word.length, 12))) / 1_000);
  const gapLength = Math.round((sampleRate * GAP_MS) / 1_000);
  const fadeLength = (sampleRate * FADE_MS) / 1_000;
  const samples = Buffer.alloc((toneLength + gapLength) * 2);
  const step = (2 * Math.PI * frequencyOf(word)) / sampleRate;
  for (let i = 0; i < toneLength; i++) {
    const fade = Math.min(1, i / fadeLength, (toneLength - i) / fadeLength);
    samples.writeInt16LE(Math.round(Math.sin(i * step) * AMPLITUDE * fade * 32_767), i * 2);
  }
  return samples;
}

/** From 220 to 1,000 Hz. */
function frequencyOf(word: string): number {
  let hash = 0;
  for (const char of word) hash = (hash * 31 + char.codePointAt(0)!) % 391;
  return 220 + hash * 2;
}
