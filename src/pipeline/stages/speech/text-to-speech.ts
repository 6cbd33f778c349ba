import { abortable } from "../../../base/abortable.ts";
import { audioElement, errorElement, type ElementOf, type StreamElement } from "../../elements/element.ts";
import type { ElementReader, ElementWriter, Stage, StageContext } from "../../stage.ts";
import { PhraseSplitter } from "./phrase-splitter.ts";
import { ReadAhead } from "../read-ahead.ts";
import type { Synthesizer } from "./synthesizer.ts";
import { untilAborted } from "../../../base/until-aborted.ts";
import { refuseWrong, type FieldsOf } from "../../../shared/wrong-option.ts";

export interface TextToSpeechOptions {
  synthesizer: Synthesizer;
  /** Shortest phrase that is spoken by itself, in characters; default 12. */
  minPhraseChars?: number;
  /** Longest; default 400. */
  maxPhraseChars?: number;
  /** BCP 47, for the rules by which sentences end; default the host's. */
  locale?: string;
  /** Are the texts handed on too? Default false: they have become audio. */
  passText?: boolean;
  /** A phrase that cannot be spoken ends the execution ("fail", default), or is an error in the stream. */
  onError?: "fail" | "element";
}

const DEFAULT_MAX_PHRASE = 400;
/** Characters that are read while a phrase is being spoken, so that an interrupt is heard. */
const MAX_AHEAD_CHARS = 65_536;
/** Characters in which phrases are looked for at once. */
const PIECE_CHARS = 16_384;
/** What an element takes beside its text. */
const ELEMENT_CHARS = 64;

const SPEECH_FIELDS: FieldsOf<TextToSpeechOptions> = {
  synthesizer: true,
  minPhraseChars: "amountOrNone",
  maxPhraseChars: "amount",
  locale: true,
  passText: true,
  onError: true,
};

/**
 * Speaks texts as they come, phrase by phrase, in order. A phrase is spoken when it is complete, or at an `end-of-turn`
 * or `end-of-stream`. A message of the assistant's is spoken where no text came before it in its exchange; messages are handed on
 * after what was said. The first audio element of each phrase has it as `metadata.text`.
 *
 * All other kinds pass as they are. An interrupt stops the phrase under way and drops what came before it and is not yet spoken.
 *
 * @example
 * const speech = textToSpeech("speech", { synthesizer: openAISpeech({ voice: "marin" }) });
 * @throws {TypeError} at once for something that is not a synthesizer; {RangeError} for a longest phrase of less than 20 characters.
 */
export function textToSpeech(name: string, options: TextToSpeechOptions): Stage {
  refuseWrong(`make stage "${name}"`, options, SPEECH_FIELDS);
  const { synthesizer, maxPhraseChars = DEFAULT_MAX_PHRASE } = options;
  if (typeof synthesizer?.synthesize !== "function")
    throw new TypeError(`Cannot make stage "${name}": synthesizer must have a method synthesize()`);
  if (!(maxPhraseChars >= 20))
    throw new RangeError(
      `Cannot make stage "${name}": maxPhraseChars must be at least 20, got ${String(maxPhraseChars)}`,
    );
  return {
    name,
    type: "generate",
    process: (input, output, context) => new SpeechRun(options, output, context).execute(input),
  };
}

/** The stage in one execution. */
class SpeechRun {
  readonly #options: TextToSpeechOptions;
  readonly #output: ElementWriter;
  readonly #context: StageContext;
  readonly #splitter: PhraseSplitter;
  /** Has the exchange had a text? */
  #hasText = false;

  constructor(options: TextToSpeechOptions, output: ElementWriter, context: StageContext) {
    const { minPhraseChars = 12, maxPhraseChars = DEFAULT_MAX_PHRASE, locale } = options;
    this.#options = options;
    this.#output = output;
    this.#context = context;
    this.#splitter = new PhraseSplitter({ minChars: minPhraseChars, maxChars: maxPhraseChars, locale });
  }

  async execute(input: ElementReader): Promise<void> {
    const sizeOf = (element: StreamElement): number =>
      ELEMENT_CHARS + (element.kind === "text" ? element.text.length : 0);
    const ahead = new ReadAhead(input, { maxSize: MAX_AHEAD_CHARS, sizeOf });
    try {
      for (let element = await ahead.next(); element !== undefined; element = await ahead.next()) {
        await this.#take(element, ahead.interruption);
      }
      await this.#speak(this.#splitter.end(), ahead.interruption);
    } finally {
      ahead.close();
    }
  }

  async #take(element: StreamElement, interruption: AbortSignal): Promise<void> {
    switch (element.kind) {
      case "text":
        this.#hasText = true;
        if (this.#options.passText ?? false) await this.#output.write(element);
        await this.#speak(this.#phrasesIn(element.text), interruption);
        return;
      case "message": {
        const left = this.#splitter.end();
        await this.#speak(this.#hasText ? left : this.#phrasesOf(element), interruption);
        break;
      }
      case "end-of-turn":
      case "end-of-stream":
        await this.#speak(this.#splitter.end(), interruption);
        this.#hasText = false;
        break;
      case "interrupt":
        this.#splitter.clear();
        break;
    }
    await this.#output.write(element);
  }

  *#phrasesOf({ message, metadata }: ElementOf<"message">): Generator<string> {
    if (!("role" in message) || message.role !== "assistant" || metadata["history"] === true) return;
    yield* this.#phrasesIn(message.text);
    yield* this.#splitter.end();
  }

  /** A long text is looked through as it is spoken, and not all at once. */
  *#phrasesIn(text: string): Generator<string> {
    for (let at = 0; at < text.length; at += PIECE_CHARS) yield* this.#splitter.push(text.slice(at, at + PIECE_CHARS));
  }

  async #speak(phrases: Iterable<string>, interruption: AbortSignal): Promise<void> {
    const { synthesizer, onError = "fail" } = this.#options;
    for (const phrase of phrases) {
      if (interruption.aborted) return;
      const signal = AbortSignal.any([this.#context.signal, interruption]);
      let metadata: Record<string, unknown> = { text: phrase.trim(), voice: synthesizer.name };
      try {
        for await (const audio of untilAborted(synthesizer.synthesize(phrase.trim(), { signal }), signal)) {
          // An interrupt must not wait until there is room: what is being handed on gets there before all that follows.
          await abortable(this.#output.write(audioElement(audio, { metadata })), signal);
          metadata = { voice: synthesizer.name };
        }
      } catch (error) {
        this.#context.signal.throwIfAborted();
        if (interruption.aborted) return;
        if (onError === "fail") throw error;
        await this.#output.write(errorElement(error instanceof Error ? error : new Error(String(error))));
      }
    }
  }
}
