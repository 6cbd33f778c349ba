export interface SpeechDetectorOptions {
  /** Hz. */
  sampleRate: number;
  channels: number;
  /** Milliseconds of speech in a row that begin an utterance. */
  minSpeechMs: number;
  /** Milliseconds of silence that end it. */
  minSilenceMs: number;
  /** What of the audio before the speech belongs to the utterance. */
  preRollMs: number;
  /** What of the silence after it does. */
  hangoverMs: number;
  maxTurnMs: number;
  /** Loudness from which sound may be speech, RMS from 0 to 1. */
  minLevel: number;
  /** How much louder than the noise floor speech is. */
  noiseFactor: number;
}

/** Speech, with the silence that belongs to it. Times in milliseconds of audio since the stream began. */
export interface Utterance {
  samples: Uint8Array;
  startMs: number;
  endMs: number;
  /** Milliseconds of the utterance that are speech. */
  speechMs: number;
  /** What ended it. */
  reason: "silence" | "max-turn" | "end";
}

export type SpeechSignal = { type: "start" } | { type: "utterance"; utterance: Utterance };

const FRAME_MS = 20;
/** How far the noise floor follows what is quieter, in one frame. */
const FALL = 0.5;
/** How fast it rises towards what is louder: 6 dB in a second. */
const RISE = 2 ** (FRAME_MS / 1_000);

/**
 * Finds speech in PCM16 by its loudness, in frames of 20 ms. The noise floor follows what is quiet at once and what is
 * loud slowly, so that a lasting hum does not count as speech after a while. Counts samples, never the clock.
 */
export class SpeechDetector {
  readonly #options: SpeechDetectorOptions;
  readonly #frameBytes: number;
  #rest: Buffer = Buffer.alloc(0);
  /** Frames since the stream began. */
  #frame = 0;
  #floor: number;
  /** Frames before speech. */
  #before: Buffer[] = [];
  /** Loud frames in a row that may become speech. */
  #candidate: Buffer[] = [];
  #utterance: Buffer[] | undefined;
  #utteranceStart = 0;
  #speechFrames = 0;
  #quietFrames = 0;

  constructor(options: SpeechDetectorOptions) {
    this.#options = options;
    this.#frameBytes = Math.round((options.sampleRate * FRAME_MS) / 1_000) * options.channels * 2;
    this.#floor = options.minLevel / options.noiseFactor;
  }

  /** What is found with these bytes; a sample may be cut anywhere. */
  *push(bytes: Uint8Array): Generator<SpeechSignal, void, undefined> {
    const added = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const all = this.#rest.length > 0 ? Buffer.concat([this.#rest, added]) : added;
    const size = this.#frameBytes;
    let at = 0;
    for (; at + size <= all.length; at += size) yield* this.#take(all.subarray(at, at + size));
    // A copy: the element that it came in may be large.
    this.#rest = Buffer.from(all.subarray(at));
  }

  /** The utterance under way, with what is left of the last frame, half samples left out. The stream begins anew after it. */
  *end(): Generator<SpeechSignal, void, undefined> {
    const block = this.#options.channels * 2;
    const rest = this.#rest.subarray(0, this.#rest.length - (this.#rest.length % block));
    this.#rest = Buffer.alloc(0);
    if (this.#utterance !== undefined) {
      if (rest.length > 0 && this.#quietFrames === 0) this.#utterance.push(rest);
      yield* this.#endUtterance("end");
    }
    this.#utterance = undefined;
    this.#before = [];
    this.#candidate = [];
  }

  *#take(frame: Buffer): Generator<SpeechSignal, void, undefined> {
    this.#frame++;
    const isLoud = this.#isSpeech(rmsOf(frame));
    if (this.#utterance === undefined) {
      if (!isLoud) {
        this.#keepBefore(...this.#candidate, frame);
        this.#candidate = [];
        return;
      }
      this.#candidate.push(frame);
      if (this.#candidate.length < toFrames(this.#options.minSpeechMs)) return;
      this.#beginUtterance([...this.#before, ...this.#candidate], this.#candidate.length);
      yield { type: "start" };
    } else {
      this.#utterance.push(frame);
      if (isLoud) this.#speechFrames++;
      this.#quietFrames = isLoud ? 0 : this.#quietFrames + 1;
    }
    if (this.#quietFrames >= toFrames(this.#options.minSilenceMs)) {
      yield* this.#endUtterance("silence");
      this.#utterance = undefined;
    } else if (this.#utterance!.length >= toFrames(this.#options.maxTurnMs)) {
      yield* this.#endUtterance("max-turn");
      this.#beginUtterance([], 0);
    }
  }

  #beginUtterance(frames: Buffer[], speechFrames: number): void {
    this.#utterance = frames;
    this.#utteranceStart = this.#frame - frames.length;
    this.#speechFrames = speechFrames;
    if (speechFrames > 0) this.#quietFrames = 0;
    this.#before = [];
    this.#candidate = [];
  }

  *#endUtterance(reason: Utterance["reason"]): Generator<SpeechSignal, void, undefined> {
    const frames = this.#utterance!;
    const surplus = this.#quietFrames - toFrames(this.#options.hangoverMs);
    const isCut = reason === "max-turn";
    const kept = !isCut && surplus > 0 ? frames.slice(0, -surplus) : frames;
    if (!isCut) this.#quietFrames = 0;
    this.#keepBefore(...frames.slice(isCut ? frames.length : kept.length));
    // After a cut there may be nothing but silence.
    if (this.#speechFrames === 0) return;
    const samples = Buffer.concat(kept);
    const startMs = this.#utteranceStart * FRAME_MS;
    const { sampleRate, channels } = this.#options;
    const endMs = startMs + (samples.length / 2 / channels / sampleRate) * 1_000;
    yield {
      type: "utterance",
      utterance: { samples, startMs, endMs, speechMs: this.#speechFrames * FRAME_MS, reason },
    };
  }

  #keepBefore(...frames: readonly Buffer[]): void {
    const count = toFrames(this.#options.preRollMs);
    this.#before.push(...frames.map((frame) => Buffer.from(frame)));
    this.#before.splice(0, this.#before.length - count);
  }

  /** Is this loud enough for speech? */
  #isSpeech(level: number): boolean {
    const { minLevel, noiseFactor } = this.#options;
    const lowest = minLevel / noiseFactor;
    const isLoud = level >= this.#floor * noiseFactor;
    const followed =
      level < this.#floor ? this.#floor + (level - this.#floor) * FALL : Math.min(level, this.#floor * RISE);
    this.#floor = Math.max(lowest, followed);
    return isLoud;
  }
}

function toFrames(ms: number): number {
  return Math.ceil(ms / FRAME_MS);
}

/** Root of the mean square over all channels, 1 for the loudest that there is. */
function rmsOf(frame: Buffer): number {
  let sum = 0;
  for (let at = 0; at < frame.length; at += 2) {
    const sample = frame.readInt16LE(at);
    sum += sample * sample;
  }
  return Math.sqrt(sum / (frame.length / 2)) / 32_768;
}
