import { OPS } from "../../../src/shared/contract/ops.ts";
import type { ConversationSnapshot, MessageImage } from "../../../src/shared/chat-messages.ts";
import { refuse, showValue } from "../../../src/shared/conversation-tree.ts";
import {
  append,
  MathMin,
  ObjectGetPrototypeOf,
  ReflectApply,
  SafeMap,
  SafeUint8Array,
  StringFromCharCode,
  uncurryGetter,
} from "../../../src/shared/primordials.ts";
import { callBlocking, onReset } from "../core/kernel.ts";

const CHUNK = 8192;
const bufferOf = uncurryGetter(ObjectGetPrototypeOf(SafeUint8Array.prototype) as object, "buffer");

/** What stands on the host for the `data:` URLs that came from there. */
const references = new SafeMap<string, string>();
onReset(() => references.clear());

/** Has the host look at an image; throws its error. */
export function loadImage(source: string, detail: string): MessageImage {
  const { name, mediaType, url, reference, bytes } = callBlocking(OPS.image_load, { source });
  const imageURL = url ?? textOf(bytes!);
  if (reference !== undefined) references.set(imageURL, reference);
  return { imageURL, imageName: name, mediaType, detail };
}

export function readDetail(value: unknown): string {
  if (value === undefined) return "auto";
  if (value === "auto" || value === "low" || value === "high") return value;
  return refuse(`options.detail must be "auto", "low" or "high", got ${showValue(value)}`);
}

/** The snapshot with what stands for images in place of those that the host has anyway. */
export function withReferences(snapshot: ConversationSnapshot): ConversationSnapshot {
  if (references.size === 0) return snapshot;
  const messages: ConversationSnapshot["messages"] = [];
  for (let i = 0; i < snapshot.messages.length; i++) {
    const message = snapshot.messages[i]!;
    if (message.type !== "chat-message" || message.images === undefined) {
      append(messages, message);
      continue;
    }
    const images: MessageImage[] = [];
    for (let k = 0; k < message.images.length; k++) {
      const image = message.images[k]!;
      append(images, { ...image, imageURL: references.get(image.imageURL) ?? image.imageURL });
    }
    append(messages, { ...message, images });
  }
  return { ...snapshot, messages };
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
