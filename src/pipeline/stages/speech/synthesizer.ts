import type { AudioData } from "../../elements/element.ts";

/** Something that speaks. */
export interface Synthesizer {
  /** For the audio's metadata. */
  readonly name: string;
  /**
   * The audio of a text, in pieces as they come, all of one format. Stops when the signal aborts, and when the loop is
   * left.
   */
  synthesize(text: string, options: { signal: AbortSignal }): AsyncIterable<AudioData>;
}
