import { audioElement, type StreamElement } from "../../../src/pipeline/index.ts";

export const SAMPLE_RATE = 16_000;

/** PCM16 of one channel: a tone of this loudness, its peak from 0 to 1; 0 is silence. */
export function tone(ms: number, peak: number, sampleRate: number = SAMPLE_RATE): Buffer {
  const length = Math.round((sampleRate * ms) / 1_000);
  const samples = Buffer.alloc(length * 2);
  for (let i = 0; i < length; i++) {
    samples.writeInt16LE(Math.round(Math.sin((2 * Math.PI * 400 * i) / sampleRate) * peak * 32_767), i * 2);
  }
  return samples;
}

/** Silence, or speech and silence by turns, each so many milliseconds long, beginning with silence. */
export function speech(...lengthsMs: number[]): Buffer {
  return Buffer.concat(lengthsMs.map((ms, i) => tone(ms, i % 2 === 0 ? 0 : 0.5)));
}

export function audio(samples: Uint8Array, sampleRate: number = SAMPLE_RATE): StreamElement {
  return audioElement({ samples, sampleRate, format: "pcm16" });
}

/** One turn of speech, in three pieces. */
export function speechTurn(): StreamElement[] {
  return [speech(300), speech(0, 400), speech(600)].map((samples) => audio(samples));
}
