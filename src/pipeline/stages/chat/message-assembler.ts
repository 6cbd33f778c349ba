import { timeSource } from "../../../base/time/time-source.ts";
import { GeppettoError } from "../../../shared/errors.ts";
import type { MessageImage } from "../../../shared/chat-messages.ts";
import {
  type ElementOf,
  type ImageData,
  messageElement,
  type PipelineMessage,
  type StreamElement,
} from "../../elements/element.ts";

type MessageElement = ElementOf<"message">;

/** Elements of one exchange; more than that is a stream in which nobody sends an `end-of-turn`. */
const MAX_OPEN_ELEMENTS = 10_000;

/**
 * Makes messages of the elements of one exchange, up to an `end-of-turn`: texts in a row, images and parts become one message of the user's, and messages
 * stay as they are.
 */
export class MessageAssembler {
  #open: StreamElement[] = [];
  #count = 0;

  /**
   * The messages that are complete with this element.
   *
   * @throws {GeppettoError} LimitError after 10,000 elements without an `end-of-turn`; ValidationError for audio and
   *   video among parts.
   */
  push(element: StreamElement): MessageElement[] {
    if (++this.#count > MAX_OPEN_ELEMENTS) {
      throw new GeppettoError(
        "LimitError",
        `Cannot take more than ${MAX_OPEN_ELEMENTS} elements without an end of turn: send endOfTurnElement()`,
      );
    }
    if (element.kind === "message") return [...this.#take(), element];
    this.#open.push(element);
    return [];
  }

  /** What is left, at the end of the exchange. The next one begins. */
  end(): MessageElement[] {
    this.#count = 0;
    return this.#take();
  }

  #take(): MessageElement[] {
    const [first] = this.#open;
    if (first === undefined) return [];
    const message = toMessage(this.#open);
    this.#open = [];
    const { metadata, priority } = first;
    return [{ ...messageElement(message, { metadata, priority }), trace: first.trace }];
  }
}

function toMessage(elements: readonly StreamElement[]): PipelineMessage {
  let text = "";
  const images: MessageImage[] = [];
  for (const element of elements) {
    if (element.kind === "text") text += element.text;
    else if (element.kind === "image") images.push(toMessageImage(element.image));
    else if (element.kind === "parts") {
      for (const part of element.parts) {
        if (part.type === "text") text += part.text;
        else if (part.type === "image") images.push(toMessageImage(part.image));
        else
          throw new GeppettoError("ValidationError", `Cannot make a message of ${part.type}: it takes text and images`);
      }
    }
  }
  if (images.length === 0) return { role: "user", text };
  const time = new Date(timeSource().now()).toISOString();
  return {
    type: "chat-message",
    id: timeSource().uuid(),
    parentID: "",
    time,
    lastUpdate: time,
    metadata: {},
    role: "user",
    text,
    images,
  };
}

function toMessageImage({ data, mediaType }: ImageData): MessageImage {
  const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
  return { imageURL: `data:${mediaType};base64,${base64}`, imageName: "", mediaType, detail: "auto" };
}
