import { OPS } from "../../../src/shared/contract/ops.ts";
import type { ChatMessage, MessageImage, TextMessage } from "../../../src/shared/chat-messages.ts";
import { refuse, showValue } from "../../../src/shared/conversation-tree.ts";
import { MAX_FRAME_CHARS } from "../../../src/shared/frames.ts";
import {
  append,
  isArray,
  MathMin,
  ObjectGetPrototypeOf,
  ReflectApply,
  SafeUint8Array,
  SafeWeakMap,
  StringFromCharCode,
  uncurryGetter,
} from "../../../src/shared/primordials.ts";
import { callBlocking, onReset } from "../core/kernel.ts";

const CHUNK = 8192;
/** Longest path or URL of an image: as long as a frame can be, with room for what stands around it. */
const MAX_SOURCE_CHARS = 16_700_000;
const bufferOf = uncurryGetter(ObjectGetPrototypeOf(SafeUint8Array.prototype) as object, "buffer");

/** An image that the host keeps. */
interface KeptImage {
  imageURL: string;
  reference: string;
}

/** The images that came from the host; undefined while none has. A script that lets go of an image lets go of its text. */
let keptImages: WeakMap<object, KeptImage> | undefined;
onReset(() => {
  keptImages = undefined;
});

/** Has the host look at an image; throws its error. */
export function loadImage(source: string, detail: string): MessageImage {
  if (source.length > MAX_SOURCE_CHARS) {
    const most = `the image's path or URL must have at most ${MAX_SOURCE_CHARS} characters, got ${source.length}`;
    refuse(`${most}; a file may have 20 MB`);
  }
  const { name, mediaType, url, reference, bytes } = callBlocking(OPS.image_load, { source });
  const image = { imageURL: url ?? textOf(bytes!), imageName: name, mediaType, detail };
  if (reference !== undefined) (keptImages ??= new SafeWeakMap()).set(image, { imageURL: image.imageURL, reference });
  return image;
}

function keptOf(image: unknown): KeptImage | undefined {
  if (keptImages === undefined || typeof image !== "object" || image === null) return undefined;
  const kept = keptImages.get(image);
  // A script may have written another URL into an image that it was given.
  return kept?.imageURL === (image as MessageImage).imageURL ? kept : undefined;
}

/** The copy of an image stands for the same on the host. */
export function markCopy(image: unknown, copy: MessageImage): void {
  const kept = keptOf(image);
  if (kept !== undefined) keptImages!.set(copy, kept);
}

/** Likewise for all images of a message. */
export function markCopies(message: ChatMessage, copy: ChatMessage): void {
  const { images = [] } = message as TextMessage;
  for (let i = 0; i < images.length; i++) markCopy(images[i], (copy as TextMessage).images![i]!);
}

export function readDetail(value: unknown): string {
  if (value === undefined) return "auto";
  if (value === "auto" || value === "low" || value === "high") return value;
  return refuse(`options.detail must be "auto", "low" or "high", got ${showValue(value)}`);
}

/** The input of a chat with what stands for images in place of those that the host has anyway. */
export function withReferences(input: unknown): unknown {
  if (keptImages === undefined) return input;
  return isArray(input) ? changeItems(input, referMessage) : changeList(input, "messages", referMessage);
}

function referMessage(message: unknown): unknown {
  return changeList(message, "images", referImage);
}

function referImage(image: unknown): unknown {
  const kept = keptOf(image);
  return kept === undefined ? image : { ...(image as MessageImage), imageURL: kept.reference };
}

/** The object with each item of this list changed; itself where none is. */
function changeList(owner: unknown, field: string, change: (item: unknown) => unknown): unknown {
  if (typeof owner !== "object" || owner === null) return owner;
  const list = (owner as Record<string, unknown>)[field];
  if (!isArray(list)) return owner;
  const changed = changeItems(list, change);
  return changed === list ? owner : { ...owner, [field]: changed };
}

function changeItems(list: readonly unknown[], change: (item: unknown) => unknown): readonly unknown[] {
  const items: unknown[] = [];
  let isChanged = false;
  // What is longer is refused on its way to the host.
  for (let i = 0; i < list.length && i < MAX_FRAME_CHARS; i++) {
    const item = list[i];
    const changed = change(item);
    isChanged ||= changed !== item;
    append(items, changed);
  }
  return isChanged ? items : list;
}

function textOf(bytes: Uint8Array): string {
  let text = "";
  const buffer = bufferOf(bytes) as ArrayBuffer;
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const chunk = new SafeUint8Array(buffer, at, MathMin(CHUNK, bytes.length - at));
    text += ReflectApply(StringFromCharCode, undefined, chunk) as string;
  }
  return text;
}
