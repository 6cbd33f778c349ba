import { GeppettoError } from "../shared/errors.ts";
import type { ChatEvent, ChatEventType } from "./chat-events.ts";
import { isObject } from "../shared/is-object.ts";

/**
 * Reads an event: JSON as text or bytes, or what has been parsed already. Fields that are not known are kept. zod is
 * loaded with the first call.
 *
 * @throws {GeppettoError} ValidationError that names the first field that is wrong, or says what is not JSON.
 * @example
 * const event = await eventFromJSON('{"type":"text","text":"hello"}');
 * event.type; // "text"
 */
export async function eventFromJSON(json: unknown): Promise<ChatEvent> {
  const value = typeof json === "string" || json instanceof Uint8Array ? parse(json) : json;
  if (!isObject(value)) {
    throw invalid(
      `expected an object, found ${value === null ? "null" : Array.isArray(value) ? "a list" : typeof value}`,
    );
  }
  const { eventSchemas } = await import("./event-schemas.ts");
  const { type } = value;
  if (typeof type !== "string" || !Object.hasOwn(eventSchemas, type)) {
    throw invalid(
      `type: expected one of ${Object.keys(eventSchemas).join(", ")}, found ${JSON.stringify(type) ?? "nothing"}`,
    );
  }
  const parsed = eventSchemas[type as ChatEventType].safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw invalid(`${path.map(String).join(".")}: ${message}`);
}

function parse(json: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof json === "string" ? json : new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch (error) {
    throw invalid(`it is not JSON: ${(error as Error).message}`);
  }
}

function invalid(why: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot read an event: ${why}`, { code: "ERR_EVENT" });
}
