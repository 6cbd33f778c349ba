import { GeppettoError } from "../../../shared/errors.ts";
import {
  audioElement,
  type AudioData,
  type ContentPart,
  dataElement,
  type ElementContent,
  type ElementOptions,
  endOfStreamElement,
  endOfTurnElement,
  errorElement,
  imageElement,
  interruptElement,
  messageElement,
  partsElement,
  type PipelineMessage,
  type StreamElement,
  textElement,
  toolCallElement,
  videoElement,
} from "../../elements/element.ts";
import { toJsonSafe, toJsonSafeRecord } from "../state/json-safe.ts";
import type { JsonFrame } from "./socket-frame-schema.ts";

/** What is said of audio that goes as bare samples: before the first of it, and when it changes. */
export type AudioForm = Omit<AudioData, "samples">;

/** One frame of a socket: a text, or samples. */
export type Frame = string | Uint8Array;

/** The frames of an element: audio as binary, after what it is where that is news; all else as JSON. */
export type EncodeFrames = (element: StreamElement) => Frame[];

/**
 * The element of a frame; undefined where the frame only says what audio is coming.
 *
 * @throws {GeppettoError} ValidationError that says what is wrong with the frame.
 */
export type DecodeFrame = (frame: Frame) => StreamElement | undefined;

export interface DecoderOptions {
  /** What bare samples are before anything is said of them. */
  audio: AudioForm;
  /** May the other side say what only the host should: metadata, priorities, and messages that are not the user's? */
  trusted: boolean;
}

export function createFrameEncoder(): EncodeFrames {
  let last = "";
  return (element) => {
    if (element.kind !== "audio") return [JSON.stringify(toFrame(element))];
    const { samples, format, sampleRate, channels = 1 } = element.audio;
    const announced = JSON.stringify({ kind: "audio-format", audio: { format, sampleRate, channels } });
    const hasChanged = announced !== last;
    last = announced;
    return hasChanged ? [announced, samples] : [samples];
  };
}

export async function createFrameDecoder({ audio, trusted }: DecoderOptions): Promise<DecodeFrame> {
  const { frameSchema } = await import("./socket-frame-schema.ts");
  let form = audio;
  return (frame) => {
    if (typeof frame !== "string") return audioElement({ ...form, samples: frame });
    const { data, error } = frameSchema.safeParse(parseJson(frame));
    if (error) {
      const { path, message } = error.issues[0]!;
      throw malformed([path.map(String).join("."), message].filter((part) => part !== "").join(": "));
    }
    if (data.kind !== "audio-format") return toElement(data, trusted);
    form = data.audio;
    return undefined;
  };
}

function toFrame(element: StreamElement): unknown {
  const { kind, priority } = element;
  const metadata = toJsonSafeRecord(element.metadata);
  return { kind, ...bodyOf(element), priority, ...(Object.keys(metadata).length > 0 ? { metadata } : {}) };
}

function bodyOf(element: ElementContent): Record<string, unknown> {
  switch (element.kind) {
    case "text":
      return { text: element.text };
    case "message":
      return { message: toJsonSafe(element.message) };
    case "tool-call":
      return { toolCall: toJsonSafe(element.toolCall) };
    case "image":
      return { image: withBase64(element.image, "data") };
    case "video":
      return { video: withBase64(element.video, "data") };
    case "parts":
      return { parts: element.parts.map(toPartFrame) };
    case "data":
      return { data: toJsonSafe(element.data) };
    case "error":
      return { error: toJsonSafe(element.error) };
    default:
      return {};
  }
}

function toPartFrame(part: ContentPart): unknown {
  switch (part.type) {
    case "text":
      return part;
    case "image":
      return { type: part.type, image: withBase64(part.image, "data") };
    case "video":
      return { type: part.type, video: withBase64(part.video, "data") };
    case "audio":
      return { type: part.type, audio: withBase64(part.audio, "samples") };
  }
}

function withBase64(media: object, field: string): unknown {
  const bytes = (media as Record<string, Uint8Array>)[field]!;
  return { ...media, [field]: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64") };
}

function toElement(frame: Exclude<JsonFrame, { kind: "audio-format" }>, trusted: boolean): StreamElement {
  const options = optionsOf(frame, trusted);
  switch (frame.kind) {
    case "text":
      return textElement(frame.text, options);
    case "message":
      return messageElement(toMessage(frame.message, trusted), options);
    case "tool-call":
      return toolCallElement(toJsonSafe(frame.toolCall) as typeof frame.toolCall, options);
    case "image":
      return imageElement(frame.image, options);
    case "video":
      return videoElement(frame.video, options);
    case "parts":
      return partsElement(frame.parts, options);
    case "data":
      return dataElement(toJsonSafe(frame.data), options);
    case "error":
      return errorElement(new GeppettoError("StageError", `The other side says: ${frame.error.message}`), options);
    case "end-of-turn":
      return endOfTurnElement(options);
    case "end-of-stream":
      return endOfStreamElement(options);
    case "interrupt":
      return interruptElement(options);
  }
}

/** What stages act on, an id of a conversation for one, is not for strangers to say. */
function optionsOf(
  { metadata, priority }: { metadata?: unknown; priority?: unknown },
  trusted: boolean,
): ElementOptions {
  const said = metadata === undefined ? undefined : toJsonSafeRecord(metadata as Record<string, unknown>);
  if (!trusted) return said === undefined ? {} : { metadata: { remote: said } };
  return { ...(said ? { metadata: said } : {}), ...(priority ? { priority: priority as "normal" } : {}) };
}

function toMessage(message: { role: string; text: string }, trusted: boolean): PipelineMessage {
  if (trusted) return toJsonSafe(message) as PipelineMessage;
  const { role, text } = message;
  if (role !== "user") throw malformed(`message.role: expected "user", found ${JSON.stringify(role.slice(0, 40))}`);
  return { role, text };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed("it is not JSON");
  }
}

function malformed(why: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot read a frame of the socket: ${why}`, { code: "ERR_FRAME" });
}
