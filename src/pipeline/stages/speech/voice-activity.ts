import { withDefaults } from "../../../shared/values/with-defaults.ts";
import { GeppettoError } from "../../../shared/errors.ts";
import { audioElement, endOfTurnElement, interruptElement, type AudioData } from "../../elements/element.ts";
import type { ElementWriter, Stage } from "../../stage.ts";
import { SpeechDetector, type SpeechDetectorOptions, type SpeechSignal } from "./speech-detector.ts";
import { refuseWrong, type FieldsOf } from "../../../shared/wrong-option.ts";

export interface VoiceActivityOptions extends Partial<Omit<SpeechDetectorOptions, "sampleRate" | "channels">> {
  /** Does an interrupt go out when speech begins? Default false. */
  interrupt?: boolean;
}

const DEFAULTS: Omit<SpeechDetectorOptions, "sampleRate" | "channels"> = {
  minSpeechMs: 100,
  minSilenceMs: 500,
  preRollMs: 200,
  hangoverMs: 200,
  maxTurnMs: 30_000,
  minLevel: 0.01,
  noiseFactor: 3,
};

const VOICE_FIELDS: FieldsOf<VoiceActivityOptions> = {
  minSpeechMs: "milliseconds",
  minSilenceMs: "milliseconds",
  preRollMs: "pause",
  hangoverMs: "pause",
  maxTurnMs: "milliseconds",
  minLevel: "amount",
  noiseFactor: "amount",
  interrupt: true,
};

/**
 * Finds utterances in a stream of PCM16: one audio element for what was said between two silences, then an `end-of-turn`.
 * Silence alone gives nothing. Speech is what is loud enough, 20 ms at a time, and so much louder than the noise around;
 * all times are those of the audio, counted in samples, however fast it comes. An `end-of-stream` or `end-of-turn` ends
 * speech that is under way; a click that is shorter than `minSpeechMs` does not count. All but audio passes as it is.
 *
 * The audio's metadata: `startMs`, `endMs`, `speechMs`, and `reason`: "silence", "max-turn" or "end". Audio of another
 * format, or one that changes its sample rate or channels, ends the execution with a ValidationError.
 *
 * @example
 * const turns = voiceActivity("turns", { minSilenceMs: 700, interrupt: true });
 * @throws {GeppettoError} ConfigError at once for a setting that is not a positive number; {RangeError} for a hangover
 *   longer than the silence.
 */
export function voiceActivity(name: string, options: VoiceActivityOptions = {}): Stage {
  refuseWrong(`make stage "${name}"`, options, VOICE_FIELDS);
  const { interrupt = false, ...given } = options;
  const settings = withDefaults(DEFAULTS, given);
  requireSettings(name, settings);
  return {
    name,
    type: "accumulate",
    async process(input, output) {
      let detector: SpeechDetector | undefined;
      let form: AudioForm | undefined;
      for await (const element of input) {
        if (element.kind === "audio") {
          const { sampleRate, channels } = (form = formOf(element.audio, form));
          detector ??= new SpeechDetector({ ...settings, sampleRate, channels });
          await handOn(detector.push(element.audio.samples), form, interrupt, output);
        } else {
          const isEnd = element.kind === "end-of-turn" || element.kind === "end-of-stream";
          const found = isEnd && detector !== undefined && (await handOn(detector.end(), form!, false, output));
          // The utterance has had its end.
          if (!found || element.kind === "end-of-stream") await output.write(element);
        }
      }
      if (detector !== undefined) await handOn(detector.end(), form!, false, output);
    },
  };
}

interface AudioForm {
  sampleRate: number;
  channels: number;
}

/** Hands on what was found. True when an utterance was. */
async function handOn(
  signals: Iterable<SpeechSignal>,
  { sampleRate, channels }: AudioForm,
  interrupt: boolean,
  output: ElementWriter,
): Promise<boolean> {
  let hasEnded = false;
  for (const signal of signals) {
    if (signal.type === "start") {
      if (interrupt) await output.write(interruptElement());
      continue;
    }
    const { samples, ...metadata } = signal.utterance;
    await output.write(audioElement({ samples, sampleRate, channels, format: "pcm16" }, { metadata: { ...metadata } }));
    await output.write(endOfTurnElement());
    hasEnded = true;
  }
  return hasEnded;
}

function formOf({ format, sampleRate, channels = 1 }: AudioData, known: AudioForm | undefined): AudioForm {
  if (format !== "pcm16") throw refused(`it takes pcm16, got ${format}`);
  // A frame has 20 ms, and at least one sample.
  if (!(Number.isInteger(sampleRate) && sampleRate >= 1_000))
    throw refused(`a sample rate of ${String(sampleRate)} Hz`);
  if (!(Number.isInteger(channels) && channels >= 1)) throw refused(`${String(channels)} channels`);
  if (known !== undefined && (known.sampleRate !== sampleRate || known.channels !== channels)) {
    throw refused(`it changes from ${describe(known)} to ${describe({ sampleRate, channels })}`);
  }
  return { sampleRate, channels };
}

function describe({ sampleRate, channels }: AudioForm): string {
  return `${sampleRate} Hz with ${channels} channel${channels === 1 ? "" : "s"}`;
}

function refused(why: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot listen to this audio: ${why}`, { code: "ERR_AUDIO" });
}

function requireSettings(name: string, settings: typeof DEFAULTS): void {
  const { hangoverMs, minSilenceMs, maxTurnMs, minSpeechMs, preRollMs } = settings;
  if (hangoverMs > minSilenceMs)
    throw new RangeError(`Cannot make stage "${name}": hangoverMs is longer than minSilenceMs`);
  if (maxTurnMs < preRollMs + minSpeechMs)
    throw new RangeError(`Cannot make stage "${name}": maxTurnMs is shorter than preRollMs and minSpeechMs`);
}
