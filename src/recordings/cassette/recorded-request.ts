import { createHash } from "node:crypto";
import type { ChatRequest } from "../../providers/chat-provider.ts";
import { hashParts } from "../cache/hash-parts.ts";
import { redactAll, type Redact } from "../redact-secrets.ts";
import { canonicalJson } from "../tagged-json.ts";

/** What a provider adds to requests that do not say it: the host's model, and its temperature, system and so on. */
export type RequestDefaults = Partial<Omit<ChatRequest, "messages">>;

/** A request as a cassette keeps it: plain data, nothing that is undefined, no keys, headers or addresses. */
export interface RecordedRequest {
  provider: string;
  model: string;
  [field: string]: unknown;
}

const SECRET_FIELDS: ReadonlySet<string> = new Set(["apiKey", "headers", "baseURL", "authorization"]);
/** What comes first, where there is something to read; the rest follows in the order in which it was given. */
const ORDER = ["model", "system", "messages"];
const MAX_DATA_URL = 200;

/** The one form of a request, whoever makes it, with what is not to be kept taken out. */
export function toRecordedRequest(
  provider: string,
  request: ChatRequest,
  { redact, defaults = {} }: { redact: Redact; defaults?: RequestDefaults | undefined },
): RecordedRequest {
  const { tools, ...rest } = { ...defaults, ...withoutUndefined(request) };
  const model = request.model || (defaults.model ?? "");
  const fields: Record<string, unknown> = { ...rest, model };
  if (tools !== undefined) {
    fields["tools"] = tools.map(({ name, description, input }) => ({ name, description, input }));
  }
  const names = [
    ...ORDER,
    ...Object.keys(fields)
      .filter((name) => !ORDER.includes(name))
      .sort(),
  ];
  const kept = names.filter((name) => fields[name] !== undefined && !SECRET_FIELDS.has(name));
  const plain = JSON.parse(
    JSON.stringify({ provider, ...Object.fromEntries(kept.map((name) => [name, fields[name]])) }),
  ) as RecordedRequest;
  return redactAll(plain, (text, where) => shortened(redact(text, where)), "request");
}

/** 64 hex digits, the same for requests that ask the same. */
export function requestKey({ provider, model, ...rest }: RecordedRequest): string {
  return hashParts(["cassette", provider, model, canonicalJson(rest)]);
}

function withoutUndefined(request: ChatRequest): ChatRequest {
  return Object.fromEntries(
    Object.entries(request).filter(([, value]) => value !== undefined),
  ) as unknown as ChatRequest;
}

/** Images are kept by their hash: they are known again, and a cassette stays readable. */
function shortened(text: string): string {
  if (text.length <= MAX_DATA_URL || !text.startsWith("data:")) return text;
  const mediaType = text.slice(5, 100).split(/[;,]/, 1)[0] ?? "";
  return `data:${mediaType};sha256,${createHash("sha256").update(text).digest("hex")}`;
}
