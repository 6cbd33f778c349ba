import { estimateBytes } from "../src/base/estimate-bytes.ts";
import { parseFields } from "../src/engine/guest-messages.ts";
import {
  audioElement,
  dataElement,
  type ElementOptions,
  elementOf,
  endOfStreamElement,
  endOfTurnElement,
  imageElement,
  interruptElement,
  messageElement,
  partsElement,
  PRIORITIES,
  type Priority,
  type StreamElement,
  textElement,
  toolCallElement,
  videoElement,
} from "../src/pipeline/elements/element.ts";
import { GeppettoError } from "../src/shared/errors.ts";
import { isObject } from "../src/shared/is-object.ts";

type Fields = Record<string, unknown>;

const isText = (value: unknown): value is string => typeof value === "string";
const isBytes = (value: unknown): boolean => value instanceof Uint8Array;
const isPositive = (value: unknown): boolean => typeof value === "number" && value > 0 && Number.isFinite(value);
const isFormat = (value: unknown): boolean =>
  ["pcm16", "float32", "opus", "mp3", "aac", "wav", "flac"].includes(value as string);

interface Kind {
  /** What the content must be, in words. */
  expected: string;
  fits(content: unknown, fields: Fields): boolean;
  create(content: never, options: ElementOptions): StreamElement;
}

const isAudio = ({ samples, sampleRate, format }: Fields): boolean =>
  isBytes(samples) && isPositive(sampleRate) && isFormat(format);
const isMedia = ({ data, mediaType }: Fields): boolean => isBytes(data) && isText(mediaType);

function isPart(part: unknown): boolean {
  const { type, text, image, audio, video } = parseFields(part);
  if (type === "text") return isText(text);
  if (type === "audio") return isAudio(parseFields(audio));
  return (type === "image" && isMedia(parseFields(image))) || (type === "video" && isMedia(parseFields(video)));
}

const KINDS: Readonly<Record<string, Kind>> = {
  text: { expected: "a string", fits: isText, create: textElement },
  audio: {
    expected: "{samples: Uint8Array, sampleRate, format}",
    fits: (_, fields) => isAudio(fields),
    create: audioElement,
  },
  image: { expected: "{data: Uint8Array, mediaType}", fits: (_, fields) => isMedia(fields), create: imageElement },
  video: { expected: "{data: Uint8Array, mediaType}", fits: (_, fields) => isMedia(fields), create: videoElement },
  message: {
    expected: "a message, with role and text",
    fits: (_, { role, text, type }) => (isText(role) && isText(text)) || type === "tool-use" || type === "tool-result",
    create: messageElement,
  },
  "tool-call": {
    expected: "{id, name, input}",
    fits: (_, { id, name, input }) => isText(id) && isText(name) && isObject(input),
    create: toolCallElement,
  },
  parts: {
    expected: "an array of parts",
    fits: (content) => Array.isArray(content) && content.every(isPart),
    create: partsElement,
  },
  data: { expected: "anything", fits: () => true, create: dataElement },
  "end-of-turn": { expected: "nothing", fits: () => true, create: (_, options) => endOfTurnElement(options) },
  "end-of-stream": { expected: "nothing", fits: () => true, create: (_, options) => endOfStreamElement(options) },
  interrupt: { expected: "nothing", fits: () => true, create: (_, options) => interruptElement(options) },
};

/** Most that an element's metadata may take: each branch gets a copy of them. */
const MAX_METADATA_BYTES = 65_536;

/**
 * The element for what a guest has given: a value alone, or a value with its kind. What it does not say of metadata and
 * priority is that of the element in whose place it comes.
 *
 * @throws {GeppettoError} ValidationError for an unknown kind or priority, and for content that does not go with its kind;
 *   LimitError for metadata of more than 64 kB.
 */
export function parseElement(given: unknown, from?: StreamElement): StreamElement {
  const { content, kind, metadata, priority } = parseFields(given);
  const options = optionsOf(metadata, priority, from);
  if (kind === undefined) return elementOf(content, options);
  const name = isText(kind) ? kind : "";
  const known = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (known === undefined) {
    const names = Object.keys(KINDS).join(", ");
    throw new GeppettoError("ValidationError", `Cannot make an element: its kind must be one of ${names}`);
  }
  if (!known.fits(content, parseFields(content))) {
    throw new GeppettoError(
      "ValidationError",
      `Cannot make an element of kind "${name}": its content must be ${known.expected}`,
    );
  }
  return known.create(content as never, options);
}

function optionsOf(metadata: unknown, priority: unknown, from: StreamElement | undefined): ElementOptions {
  const given: ElementOptions = from === undefined ? {} : { metadata: from.metadata, priority: from.priority };
  if (metadata !== undefined && metadata !== null) given.metadata = parseMetadata(metadata);
  if (priority !== undefined && priority !== null) given.priority = parsePriority(priority);
  return given;
}

function parsePriority(given: unknown): Priority {
  const known = PRIORITIES.find((name) => name === given);
  if (known !== undefined) return known;
  throw new GeppettoError(
    "ValidationError",
    `Cannot make an element: its priority must be one of ${PRIORITIES.join(", ")}`,
  );
}

function parseMetadata(given: unknown): Record<string, unknown> {
  if (!isObject(given))
    throw new GeppettoError("ValidationError", "Cannot make an element: its metadata must be an object");
  if (estimateBytes(given, MAX_METADATA_BYTES) <= MAX_METADATA_BYTES) return given;
  throw new GeppettoError(
    "LimitError",
    `Cannot make an element: its metadata takes more than ${MAX_METADATA_BYTES} bytes; put what is large into its content`,
  );
}
