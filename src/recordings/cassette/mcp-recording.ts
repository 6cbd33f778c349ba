import type { McpQuestion, McpToolCall, ToldPart } from "../../mcp/mcp-source.ts";
import { redactAll, type Redact } from "../redact-secrets.ts";
import type { RecordedRequest } from "./recorded-request.ts";

/** What stands in the place of a provider's name; the server's name stands in that of a model's. */
const PROVIDER = "mcp";

/** What servers gave, as a recording keeps it. */
export interface McpParts {
  /** What a server told while it worked. */
  told: ToldPart[];
  /** Absent for undefined. */
  value?: unknown;
}

/** The one form of a call of a tool, with what is not to be kept taken out. */
export function toRecordedCall({ server, tool, args }: McpToolCall, redact: Redact): RecordedRequest {
  const clean = redactAll(toPlain(args), redact, "request.args", { names: true });
  return toRequest(server, { tool, args: clean }, redact);
}

/** Likewise of what else a script asks. */
export function toRecordedQuestion(question: McpQuestion, redact: Redact): RecordedRequest {
  if (question.kind === "search") {
    const { servers, ...rest } = question;
    return toRequest("", { ...rest, servers: servers.toSorted() }, redact);
  }
  const { server, ...rest } = question;
  return toRequest(server, rest, redact);
}

function toRequest(model: string, fields: object, redact: Redact): RecordedRequest {
  return { provider: PROVIDER, model, ...redactAll(fields, redact, "request") };
}

/** As it is sent. */
function toPlain(args: object): unknown {
  return JSON.parse(JSON.stringify(args, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value)));
}

/** How a request is named in messages and lists: "the call of mcp.calc.add". */
export function describeMcpRequest({ model, tool, kind, list, uri, name, words }: RecordedRequest): string {
  if (kind === undefined) return `the call of mcp.${model}.${String(tool)}`;
  const of = [list, uri, name, words, tool].find((text) => typeof text === "string") ?? "";
  return `the request to ${kind as string} ${JSON.stringify(of)}${model === "" ? "" : ` of mcp.${model}`}`;
}

/** @throws {Error} that says what is wrong where these are not those of a recording. */
export function checkMcpParts({ told }: Readonly<Record<string, unknown>>): void {
  if (!Array.isArray(told)) throw new Error("what its server told must be a list");
  for (const part of told as unknown[]) {
    const { type, progress, log } = (part ?? {}) as Record<string, unknown>;
    const isProgress = type === "progress" && typeof (progress as { value?: unknown } | undefined)?.value === "number";
    const isLog = type === "log" && typeof (log as { level?: unknown } | undefined)?.level === "string";
    if (!isProgress && !isLog) throw new Error("what its server told must be progress and logs");
  }
}
