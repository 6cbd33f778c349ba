import { isTooLarge } from "./messages/message-size.ts";

/** A part of what a tool, a resource or a prompt gives, as the protocol has it. */
export interface ContentBlock {
  type: string;
  text?: unknown;
  data?: unknown;
  mimeType?: unknown;
  resource?: unknown;
  [field: string]: unknown;
}

export interface ToolResult {
  content?: readonly ContentBlock[] | undefined;
  structuredContent?: unknown;
  isError?: boolean | undefined;
}

/** Deepest nesting of a value that is handed to a script. */
const MAX_DEPTH = 150;

/**
 * What a script gets of a tool's result: `structuredContent` where there is one; of texts alone the text, and what it says
 * where it is a JSON object or list and no output schema says otherwise; one image, sound or resource as itself; else the
 * list of the parts, texts as texts.
 */
export function toolValue({ content = [], structuredContent }: ToolResult, hasOutputSchema: boolean): unknown {
  if (structuredContent !== undefined) return structuredContent;
  if (content.length === 0) return undefined;
  if (!content.every(isText)) {
    const parts = content.map((block) => (isText(block) ? block.text : blockValue(block)));
    return parts.length === 1 ? parts[0] : parts;
  }
  const text = content.map((block) => block.text).join("\n");
  return hasOutputSchema ? text : parsed(text);
}

/** An image, a sound, a resource or a link to one, with the fields that the protocol gives it. */
export function blockValue(block: ContentBlock): unknown {
  const { _meta: _, annotations: __, ...value } = block;
  if (block.type !== "resource") return value;
  return { type: "resource", ...resourceValue(block.resource) };
}

/** A resource as a script gets it: `text`, or `data` in base64. */
export function resourceValue(resource: unknown): Record<string, unknown> {
  const { _meta: _, blob, ...value } = (resource ?? {}) as Record<string, unknown>;
  return blob === undefined ? value : { ...value, data: blob };
}

/** What the texts of a failed call say. */
export function errorText({ content = [] }: ToolResult): string {
  const texts = content.filter(isText).map(({ text }) => text);
  return texts.length === 0 ? "the tool has failed, and says nothing" : texts.join("\n");
}

function isText(block: ContentBlock): block is ContentBlock & { text: string } {
  return block.type === "text" && typeof block.text === "string";
}

/** The object or list that a text says; the text where it says anything else, or more than is parsed for a script. */
function parsed(text: string): unknown {
  if (!/^\s*[[{]/.test(text) || isTooLarge(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Is a value nested deeper than what crosses to a script? */
export function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item === "object" && item !== null) for (const inner of Object.values(item)) next.push(inner);
    }
    level = next;
  }
  return false;
}
