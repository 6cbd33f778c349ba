import type { ContentPart, PromptMessage } from "./chat-provider.ts";

/** The texts of a message without its images, which only users may send. */
export function textOf(content: PromptMessage["content"]): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** The content of a message for an API that has no names: the author's stands before the text. */
export function contentWithName({ role, content, name }: PromptMessage): PromptMessage["content"] {
  if (name === undefined || role === "tool") return content;
  if (typeof content === "string") return `${name}: ${content}`;
  const label: ContentPart = { type: "text", text: `${name}: ` };
  const [first, ...rest] = content;
  return first?.type === "text" ? [{ ...first, text: `${name}: ${first.text}` }, ...rest] : [label, ...content];
}
