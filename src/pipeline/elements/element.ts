import { timeSource } from "../../base/time/time-source.ts";
import type { ChatMessage, ToolCall } from "../../shared/chat-messages.ts";

/** What an element may carry. */
export const CONTENT_KINDS = ["text", "audio", "video", "image", "message", "tool-call", "parts", "data"] as const;
export type ContentKind = (typeof CONTENT_KINDS)[number];

/** What an element may say of the stream that it is in. */
export type ControlKind = "error" | "end-of-stream" | "end-of-turn" | "interrupt";

/** Which of the elements that wait goes first; it counts only with `withPriorityQueue(true)`. */
export const PRIORITIES = ["low", "normal", "high", "critical"] as const;
export type Priority = (typeof PRIORITIES)[number];

export interface AudioData {
  /** As many bytes as `format` says; PCM16 is little endian, channels interleaved. */
  samples: Uint8Array;
  /** Hz. */
  sampleRate: number;
  /** Default 1. */
  channels?: number;
  format: "pcm16" | "float32" | "opus" | "mp3" | "aac" | "wav" | "flac";
}

export interface VideoData {
  data: Uint8Array;
  /** For example "video/mp4". */
  mediaType: string;
  /** Pixels. */
  width?: number;
  height?: number;
  frameRate?: number;
  isKeyFrame?: boolean;
}

export interface ImageData {
  data: Uint8Array;
  /** For example "image/png". */
  mediaType: string;
  width?: number;
  height?: number;
}

/** One of several parts that belong together. */
export type ContentPart =
  | { type: "text"; text: string }
  | { type: "image"; image: ImageData }
  | { type: "audio"; audio: AudioData }
  | { type: "video"; video: VideoData };

/** A message as it goes through a pipeline: one of a conversation, or the least that a provider needs. */
export type PipelineMessage = ChatMessage | { role: string; text: string; metadata?: Record<string, unknown> };

/** One stage on an element's way; the ones before it hang on it, so that branches share what they have in common. */
export interface TraceHop {
  readonly stage: string;
  /** Milliseconds since the run began: when the stage took it, or what it was made of. */
  readonly enteredMs: number;
  /** When the stage handed it on. */
  readonly leftMs: number;
  readonly previous: TraceHop | undefined;
}

export interface ElementFields {
  /** What stages tell later stages. Never changed once sent: see {@link withMetadata}. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly priority: Priority;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Who made it: what the maker says, else the stage that sent it first. */
  readonly source: string | undefined;
  /** Where it has been, with `withTracing(true)`; read it with `traceOf`. */
  readonly trace: TraceHop | undefined;
}

export type ElementContent =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "audio"; readonly audio: AudioData }
  | { readonly kind: "video"; readonly video: VideoData }
  | { readonly kind: "image"; readonly image: ImageData }
  | { readonly kind: "message"; readonly message: PipelineMessage }
  | { readonly kind: "tool-call"; readonly toolCall: ToolCall }
  | { readonly kind: "parts"; readonly parts: readonly ContentPart[] }
  | { readonly kind: "data"; readonly data: unknown }
  | { readonly kind: "error"; readonly error: Error }
  | { readonly kind: "end-of-stream" | "end-of-turn" | "interrupt" };

/**
 * What flows through a pipeline: one content, or one signal. A value: whoever has sent it does not change it any more,
 * for several stages may hold it.
 */
export type StreamElement = ElementFields & ElementContent;

/** An element of one kind. */
export type ElementOf<K extends StreamElement["kind"]> = Extract<StreamElement, { kind: K }>;

export interface ElementOptions {
  metadata?: Readonly<Record<string, unknown>>;
  /** Default "normal"; for audio and video "high", for signals "critical". */
  priority?: Priority;
  /** Default the stage that sends it first. */
  source?: string;
}

const NONE: Readonly<Record<string, unknown>> = Object.freeze({});

function element<C extends ElementContent>(content: C, priority: Priority, options: ElementOptions): C & ElementFields {
  const { metadata = NONE, source } = options;
  // Every field is there from the beginning, so that engines see one shape for each kind.
  return {
    ...content,
    metadata,
    priority: options.priority ?? priority,
    time: timeSource().now(),
    source,
    trace: undefined,
  };
}

/**
 * An element with text.
 *
 * @example
 * textElement("Hello").text; // "Hello"
 */
export function textElement(text: string, options: ElementOptions = {}): ElementOf<"text"> {
  // The commonest by far, so without the detour over a spread.
  const { metadata = NONE, priority = "normal", source } = options;
  return { kind: "text", text, metadata, priority, time: timeSource().now(), source, trace: undefined };
}

export function audioElement(audio: AudioData, options: ElementOptions = {}): ElementOf<"audio"> {
  return element({ kind: "audio", audio }, "high", options);
}

export function videoElement(video: VideoData, options: ElementOptions = {}): ElementOf<"video"> {
  return element({ kind: "video", video }, "high", options);
}

export function imageElement(image: ImageData, options: ElementOptions = {}): ElementOf<"image"> {
  return element({ kind: "image", image }, "normal", options);
}

export function messageElement(message: PipelineMessage, options: ElementOptions = {}): ElementOf<"message"> {
  return element({ kind: "message", message }, "normal", options);
}

export function toolCallElement(toolCall: ToolCall, options: ElementOptions = {}): ElementOf<"tool-call"> {
  return element({ kind: "tool-call", toolCall }, "normal", options);
}

export function partsElement(parts: readonly ContentPart[], options: ElementOptions = {}): ElementOf<"parts"> {
  return element({ kind: "parts", parts }, "normal", options);
}

/** An element with any other value: what steps and scripts give. */
export function dataElement(data: unknown, options: ElementOptions = {}): ElementOf<"data"> {
  return element({ kind: "data", data }, "normal", options);
}

/** An error that travels with the stream and does not end it; `executeSync` rejects with the first that arrives. */
export function errorElement(error: Error, options: ElementOptions = {}): ElementOf<"error"> {
  return element({ kind: "error", error }, "critical", options);
}

/** No more content follows from whoever sends it. Nothing overtakes it, and it overtakes nothing. */
export function endOfStreamElement(options: ElementOptions = {}): StreamElement {
  return element({ kind: "end-of-stream" }, "critical", options);
}

/** Whoever speaks has finished for now. Nothing overtakes it, and it overtakes nothing. */
export function endOfTurnElement(options: ElementOptions = {}): StreamElement {
  return element({ kind: "end-of-turn" }, "critical", options);
}

/** Whoever listens has begun to speak: what is being said is no longer wanted. */
export function interruptElement(options: ElementOptions = {}): StreamElement {
  return element({ kind: "interrupt" }, "critical", options);
}

/** The same element with more metadata. */
export function withMetadata<E extends StreamElement>(from: E, patch: Readonly<Record<string, unknown>>): E {
  return { ...from, metadata: { ...from.metadata, ...patch } };
}

const CONTROL_KINDS: readonly ControlKind[] = ["error", "end-of-stream", "end-of-turn", "interrupt"];
const KINDS: ReadonlySet<unknown> = new Set([...CONTENT_KINDS, ...CONTROL_KINDS]);

/** What an element carries: its text, its message and so on; its error; undefined for other signals. */
export function contentOf(given: StreamElement): unknown {
  switch (given.kind) {
    case "text":
      return given.text;
    case "audio":
      return given.audio;
    case "video":
      return given.video;
    case "image":
      return given.image;
    case "message":
      return given.message;
    case "tool-call":
      return given.toolCall;
    case "parts":
      return given.parts;
    case "data":
      return given.data;
    case "error":
      return given.error;
    default:
      return undefined;
  }
}

const MESSAGE_TYPES: readonly unknown[] = ["chat-message", "tool-use", "tool-result"];

/** The element for a value: texts and messages of a conversation are what they are, all else is data. */
export function elementOf(value: unknown, options?: ElementOptions): StreamElement {
  if (typeof value === "string") return textElement(value, options);
  const { type } = (value ?? {}) as { type?: unknown };
  return MESSAGE_TYPES.includes(type) ? messageElement(value as PipelineMessage, options) : dataElement(value, options);
}

/** Could this be an element? It looks no further than the kind. */
export function isElement(value: unknown): value is StreamElement {
  return typeof value === "object" && value !== null && KINDS.has((value as { kind?: unknown }).kind);
}

/** Is it a signal, and no content? */
export function isControl({ kind }: StreamElement): boolean {
  return kind === "error" || kind === "end-of-stream" || kind === "end-of-turn" || kind === "interrupt";
}

/** Does its place among the others mean something, whatever their priorities? */
export function isBarrier({ kind }: StreamElement): boolean {
  return kind === "end-of-stream" || kind === "end-of-turn";
}

/** A hop as {@link traceOf} shows it. */
export type TraceStep = Omit<TraceHop, "previous">;

/**
 * The way of an element, first stage first; empty without `withTracing(true)`. What a stage makes anew goes on from the
 * element that the stage took last.
 */
export function traceOf({ trace }: StreamElement): TraceStep[] {
  const steps: TraceStep[] = [];
  for (let hop = trace; hop !== undefined; hop = hop.previous) {
    const { stage, enteredMs, leftMs } = hop;
    steps.push({ stage, enteredMs, leftMs });
  }
  return steps.toReversed();
}
