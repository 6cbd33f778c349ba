import type { ModelCall, RunRecord } from "../../index.ts";
import { formatCost, formatCount, formatElapsed } from "../options/quantities.ts";
import { toJson } from "../output/to-json.ts";
import { cutText, lastOf } from "./cut-text.ts";
import type { Fact } from "./fact-lines.ts";

type PromptMessage = NonNullable<ModelCall["messages"]>[number];

/** Most messages of a prompt, texts and tools of a call that are shown: the last ones. */
const MAX_SHOWN = 8;
const ROLES: ReadonlySet<string> = new Set(["system", "developer", "user", "assistant", "tool"]);

/** A call of a model: what it was asked, which tools it called and what it answered. */
export function describeCall(call: ModelCall, number: number, isFull: boolean): Fact[] {
  const { kind, model, end, durationMs, system, messages, texts, answer, toolCalls, error } = call;
  const time = durationMs === undefined ? "" : ` after ${formatElapsed(durationMs)}`;
  const head = [`${kind} ${model}`, `${call.cached ? "from a cache" : (end ?? "no end")}${time}`];
  const facts: Fact[] = [
    [`call ${number}`, [...head, ...describeUsage(call)].join(", ")],
    ["  system", system],
    ...lastOf(messages ?? [], { most: MAX_SHOWN, noun: "message" }, isFull, toMessageFacts),
    ...lastOf(texts ?? [], { most: MAX_SHOWN, noun: "text" }, isFull, (text) => [["  text", text]]),
    ...lastOf(toolCalls, { most: MAX_SHOWN, noun: "tool call" }, isFull, (tool) => [["  tool", describeTool(tool)]]),
    ["  answer", answer === "" && end !== "completed" ? undefined : answer],
    ["  error", error && `${error.code === undefined ? "" : `[${error.code}] `}${error.message}`],
  ];
  return facts.map(([label, value]) => [label, value && cutText(value, isFull)]);
}

/** "2 calls, 12 tokens in, 8 out, $0.0012" */
export function describeTotal({ usage: { calls, ...usage } }: Pick<RunRecord, "usage">): string {
  return [formatCount(calls, "call"), ...describeUsage({ usage, ...usage })].join(", ");
}

function describeUsage({ usage, cost }: Pick<ModelCall, "usage" | "cost">): string[] {
  return [
    ...(usage === undefined ? [] : [`${formatCount(usage.inputTokens, "token")} in, ${usage.outputTokens} out`]),
    ...(cost === undefined ? [] : [formatCost(cost)]),
  ];
}

function toMessageFacts({ role, content, toolCalls = [] }: PromptMessage): Fact[] {
  const label = `  ${ROLES.has(role) ? role : "message"}`;
  const text = textOf(content);
  return [
    ...(text === "" && toolCalls.length > 0 ? [] : [[label, text] as const]),
    ...toolCalls.map((call) => [label, `calls ${describeTool(call)}`] as const),
  ];
}

/** Nobody has checked what a log says of a message. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const parts = content.map((part: unknown) => {
    const { text, url } = (part ?? {}) as { text?: unknown; url?: unknown };
    return typeof text === "string" ? text : `[image: ${String(url)}]`;
  });
  return parts.join("\n");
}

function describeTool({ name, input, ...rest }: { name: string; input?: unknown; result?: unknown }): string {
  const result = "result" in rest ? ` → ${typeof rest.result === "string" ? rest.result : toJson(rest.result)}` : "";
  return `${name}(${toJson(input) ?? ""})${result}`;
}
