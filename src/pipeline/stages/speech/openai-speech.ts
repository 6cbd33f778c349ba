import { OpenAISpeech, type SpeechOptions, type SpeechSettings } from "../../../providers/openai/openai-speech.ts";
import type { AudioData } from "../../elements/element.ts";
import type { Synthesizer } from "./synthesizer.ts";

/**
 * Speaks with OpenAI's speech endpoint, or a server that imitates it: PCM16 at 24,000 Hz, as it comes. Nothing is loaded
 * before the first text; a missing key is an error of that.
 *
 * @example
 * const voice = openAISpeech({ model: "gpt-4o-mini-tts", voice: "marin" });
 * @throws {GeppettoError} ConfigError at once for an invalid base URL.
 */
export function openAISpeech(settings: SpeechSettings = {}, options: SpeechOptions = {}): Synthesizer {
  const speech = new OpenAISpeech(settings, options);
  return {
    name: "openai",
    async *synthesize(text, { signal }): AsyncGenerator<AudioData> {
      let half: Uint8Array = new Uint8Array(0);
      for await (const bytes of speech.stream(text, { signal })) {
        const all = half.length > 0 ? Buffer.concat([half, bytes]) : bytes;
        const whole = all.length - (all.length % 2);
        half = all.slice(whole);
        if (whole > 0) {
          yield { samples: all.subarray(0, whole), sampleRate: speech.sampleRate, channels: 1, format: "pcm16" };
        }
      }
    },
  };
}
