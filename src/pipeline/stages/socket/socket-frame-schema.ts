/** The zod schema of the frames that a socket may send, apart so that zod loads with the first socket. */
import { z } from "zod";
import type { ToolCall } from "../../../shared/chat-messages.ts";
import {
  type AudioData,
  type ContentPart,
  type ImageData,
  PRIORITIES,
  type Priority,
  type VideoData,
} from "../../elements/element.ts";

type Common = { metadata?: Record<string, unknown>; priority?: Priority };

/** A text frame, checked. */
export type JsonFrame =
  | { kind: "audio-format"; audio: Omit<AudioData, "samples" | "channels"> & { channels: number } }
  | (Common & { kind: "text"; text: string })
  | (Common & { kind: "message"; message: { role: string; text: string; [field: string]: unknown } })
  | (Common & { kind: "tool-call"; toolCall: ToolCall })
  | (Common & { kind: "image"; image: ImageData })
  | (Common & { kind: "video"; video: VideoData })
  | (Common & { kind: "parts"; parts: ContentPart[] })
  | (Common & { kind: "data"; data?: unknown })
  | (Common & { kind: "error"; error: { message: string } })
  | (Common & { kind: "end-of-turn" | "end-of-stream" | "interrupt" });

const bytes = z.base64().transform((text) => new Uint8Array(Buffer.from(text, "base64")));
const size = z.int().min(1).exactOptional();
const audioForm = z.object({
  format: z.enum(["pcm16", "float32", "opus", "mp3", "aac", "wav", "flac"]),
  sampleRate: z.int().min(1),
  channels: z.int().min(1).default(1),
});
const image = z.object({ data: bytes, mediaType: z.string(), width: size, height: size });
const video = z.object({
  data: bytes,
  mediaType: z.string(),
  width: size,
  height: size,
  frameRate: z.number().positive().exactOptional(),
  isKeyFrame: z.boolean().exactOptional(),
});
const part = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("image"), image }),
  z.object({ type: z.literal("video"), video }),
  z.object({ type: z.literal("audio"), audio: audioForm.extend({ samples: bytes }) }),
]);
const record = z.record(z.string(), z.unknown());
const common = { metadata: record.exactOptional(), priority: z.enum(PRIORITIES).exactOptional() };
const message = z.looseObject({ role: z.string().min(1), text: z.string() });
const toolCall = z.object({
  id: z.string(),
  name: z.string().min(1),
  input: record.exactOptional(),
  inputText: z.string().exactOptional(),
  code: z.string().exactOptional(),
});

export const frameSchema: z.ZodType<JsonFrame> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("audio-format"), audio: audioForm }),
  z.object({ kind: z.literal("text"), text: z.string(), ...common }),
  z.object({ kind: z.literal("message"), message, ...common }),
  z.object({ kind: z.literal("tool-call"), toolCall, ...common }),
  z.object({ kind: z.literal("image"), image, ...common }),
  z.object({ kind: z.literal("video"), video, ...common }),
  z.object({ kind: z.literal("parts"), parts: z.array(part), ...common }),
  z.object({ kind: z.literal("data"), data: z.unknown(), ...common }),
  z.object({ kind: z.literal("error"), error: z.object({ message: z.string() }), ...common }),
  z.object({ kind: z.enum(["end-of-turn", "end-of-stream", "interrupt"]), ...common }),
]);
