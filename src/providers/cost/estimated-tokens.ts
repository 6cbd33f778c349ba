import type { ChatRequest } from "../chat-provider.ts";

/** About how many characters a token has, for what no provider has counted. */
const CHARS_PER_TOKEN = 4;

/** About how many tokens so many characters are. */
export function tokensOfChars(chars: number): number {
  return Math.ceil(chars / CHARS_PER_TOKEN);
}

/** About how many tokens there are in texts. */
export function tokensIn(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + tokensOfChars(text.length), 0);
}

/** About how many tokens are sent with a request. */
export function tokensOfRequest({ system = "", messages }: ChatRequest): number {
  return tokensOfChars(messages.reduce((sum, { content }) => sum + lengthOf(content), system.length));
}

function lengthOf(content: ChatRequest["messages"][number]["content"]): number {
  if (typeof content === "string") return content.length;
  return content.reduce((sum, part) => sum + (part.type === "text" ? part.text.length : 0), 0);
}
