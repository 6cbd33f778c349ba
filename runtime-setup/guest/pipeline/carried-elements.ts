/** What goes between the stages of a pipeline: values of the script's on their way to the host, and back. */
import { append, isArray, SafeWeakMap } from "../../../src/shared/primordials.ts";
import type { CarriedElement } from "../../../src/shared/pipeline-plan.ts";
import { toGuestMessage } from "../chat/chat-binding.ts";
import { objectArgument } from "../steps/combinator-arguments.ts";

/** What `pipeline.element()` has made. Nothing of it can be reached from the objects. */
const elements = new SafeWeakMap<object, CarriedElement>();

/** `element(kind, content, {metadata, priority})`: makes `object` stand for a value with its kind. */
export function makeElement(object: object, kind: unknown, content: unknown, options: unknown): void {
  const { metadata, priority } = objectArgument("make an element", "options", options, ["metadata", "priority"]);
  elements.set(object, { content, kind, metadata, priority } as CarriedElement);
}

function toElement(value: unknown): CarriedElement {
  const made = typeof value === "object" && value !== null ? elements.get(value) : undefined;
  return made ?? { content: value };
}

/** One value, or each of an array; nothing for undefined and null. */
export function toCarried(value: unknown): CarriedElement[] {
  const carried: CarriedElement[] = [];
  if (!isArray(value)) {
    if (value !== undefined && value !== null) append(carried, toElement(value));
    return carried;
  }
  for (let i = 0; i < value.length; i++) append(carried, toElement(value[i]));
  return carried;
}

/** Messages come back as scripts know them. */
export function fromHost(content: unknown): unknown {
  const { type, time } = (content ?? {}) as { type?: unknown; time?: unknown };
  return type === "chat-message" && time !== undefined ? toGuestMessage(content) : content;
}
