import { cutText } from "./untrusted-text.ts";

/** Something that a server asks of the user while it works. All of it is the server's: untrusted text. */
export interface McpElicitation {
  /** The server's name. */
  server: string;
  /** "form": for values that fit `schema`. "url": to open an address. */
  mode: "form" | "url";
  message: string;
  /** JSON schema of a flat object. */
  schema?: Record<string, unknown>;
  url?: string;
}

/** What the user says to it. */
export type ElicitationAnswer =
  | { action: "accept"; content?: Record<string, string | number | boolean | string[]> }
  | { action: "decline" | "cancel" };

export type AnswerElicitation = (asked: McpElicitation, signal: AbortSignal) => Promise<ElicitationAnswer>;

/** What servers are told that they can ask. */
export const ELICITATION = { form: { applyDefaults: true }, url: {} };

/** Longest message and address, in characters. */
const MAX_TEXT = 8_000;

interface Asked {
  message?: unknown;
  requestedSchema?: unknown;
  url?: unknown;
}

export function elicitationOf(server: string, { message, requestedSchema, url }: Asked): McpElicitation {
  return {
    server,
    mode: typeof url === "string" ? "url" : "form",
    message: cutText(typeof message === "string" ? message : "", MAX_TEXT),
    ...(requestedSchema === undefined ? {} : { schema: requestedSchema as Record<string, unknown> }),
    ...(typeof url === "string" ? { url: cutText(url, MAX_TEXT) } : {}),
  };
}
