import { brokenStream } from "../provider-error.ts";
import { listOf, recordOf, stringOf } from "../input/unknown-fields.ts";

/** What a message's content says, by kind. */
export interface ContentTexts {
  text: string;
  reasoning: string;
  refusal: string;
}

/** Parts that say nothing of their own: notes on the text beside them. */
const NOTES = new Set(["reference", "citation", "annotation", "annotations"]);
const REASONING = new Set(["thinking", "reasoning", "reasoning_text", "summary_text", "thought"]);

/**
 * Reads `content` as it is sent in answers: a string, null, a part, or a list of strings and parts.
 *
 * @throws {GeppettoError} ProviderError for a part that cannot be read: what it holds would be lost.
 */
export function readContent(content: unknown, provider: string): ContentTexts {
  const texts: ContentTexts = { text: "", reasoning: "", refusal: "" };
  for (const part of listOf(content) ?? [content]) readPart(part, texts, provider);
  return texts;
}

function readPart(part: unknown, texts: ContentTexts, provider: string): void {
  if (part === undefined || part === null) return;
  if (typeof part === "string") {
    texts.text += part;
    return;
  }
  const record = recordOf(part);
  const type = stringOf(record?.["type"]) ?? "";
  if (record !== undefined && NOTES.has(type)) return;
  if (record !== undefined && REASONING.has(type)) {
    const inner = record["thinking"] ?? record["reasoning"] ?? record["text"];
    texts.reasoning += joined(inner) ?? "";
    return;
  }
  if (type === "refusal" && typeof record?.["refusal"] === "string") {
    texts.refusal += record["refusal"];
    return;
  }
  const text = joined(record?.["text"] ?? record?.["content"]);
  if (text !== undefined) {
    texts.text += text;
    return;
  }
  const kind = type === "" ? typeof part : `type ${JSON.stringify(type.slice(0, 100))}`;
  throw brokenStream(provider, `the answer holds content that cannot be read: ${kind}`);
}

/** What `reasoning_details` say in texts, where a server says reasoning there alone. Some of it may be encrypted. */
export function readDetails(details: unknown): string {
  const texts = (listOf(details) ?? []).map((detail) => {
    const record = recordOf(detail);
    return stringOf(record?.["text"]) ?? stringOf(record?.["summary"]) ?? "";
  });
  return texts.join("");
}

/** A text, `{value: text}`, or a list of parts with texts; undefined for anything else. */
function joined(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const list = listOf(value);
  if (list === undefined) return stringOf(recordOf(value)?.["value"]);
  const texts = list.map((part) => (typeof part === "string" ? part : joined(recordOf(part)?.["text"])));
  return texts.every((text) => text !== undefined) ? texts.join("") : undefined;
}
