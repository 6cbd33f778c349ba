import type { PromptMessage } from "../../providers/chat-provider.ts";
import { isTerminal, type StepEvent } from "../../shared/step-events.ts";
import type { RecordedRequest } from "../cassette/recorded-request.ts";
import { isChatRecording, type ChatRecording, type Recording } from "../cassette/recording.ts";
import { countUsage, type RunUsage } from "./run-usage.ts";

/** One request to a model as the log has it. */
export interface ReadCall {
  /** The run of the step that asked; "" where that is not known. */
  stepId: string;
  /** Milliseconds since the epoch. */
  startedAt?: number;
  durationMs?: number;
  request: RecordedRequest;
  /** Absent where no answer has come. */
  recording?: Recording;
}

/** A tool that a model called. */
export interface ModelToolCall {
  name: string;
  input: unknown;
  /** Absent where it has not ended, or the script answers for it. */
  result?: unknown;
}

/** What a script asked of a model: a chat with its rounds of tools, or texts to embed. */
export interface ModelCall {
  kind: "chat" | "embeddings";
  /** `provider:model`, as far as it is known. */
  model: string;
  /** Of the run of the step that asked; absent where that is not known. */
  stepId?: string;
  /** Milliseconds since the epoch. */
  startedAt?: number;
  durationMs?: number;
  /** Absent where it has not ended. */
  end?: "completed" | "failed" | "cancelled";
  system?: string;
  /** What was sent first; what tools gave is not part of it. Absent where the log has not kept it. */
  messages?: PromptMessage[];
  /** The texts that were embedded. */
  texts?: string[];
  /** As far as it came. */
  answer?: string;
  toolCalls: ModelToolCall[];
  usage?: { inputTokens: number; outputTokens: number };
  /** US dollars; absent where the model has no price. */
  cost?: number;
  /** The answer was kept from an earlier call. */
  cached?: true;
  error?: { message: string; code?: string };
}

/** The calls of a run, in the order in which they began. Partial events may be missing. */
export function modelCallsOf(events: readonly StepEvent[], requests: readonly ReadCall[]): ModelCall[] {
  const chats = Map.groupBy(
    events.filter(({ step }) => step.type === "chat"),
    ({ step }) => step.stepId,
  );
  const known = new Map<string, ReadCall[]>();
  const others: ReadCall[] = [];
  for (const request of requests) {
    if (request.stepId === "") others.push(request);
    else known.set(request.stepId, [...(known.get(request.stepId) ?? []), request]);
  }
  const claim = claimer(others);
  const calls = [...chats].map(([stepId, own]) => {
    const rounds = known.get(stepId) ?? claim(own.at(-1)!);
    known.delete(stepId);
    return withEvents(fromRounds(rounds), own);
  });
  // Of these the events are not in the log, or not yet.
  const rest = [...known.values(), ...others.map((request) => [request])].map(fromRounds);
  return [...calls, ...rest].sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0));
}

/** In older logs nothing says which request a step made: it is the first with the answer that the step ended with. */
function claimer(others: ReadCall[]): (last: StepEvent) => ReadCall[] {
  return (last) => {
    const index = others.findIndex(({ recording }) => {
      if (recording === undefined || !isChatRecording(recording)) return false;
      if (last.type === "error") return recording.error?.message === last.error;
      return "text" in last && textOf(recording) === last.text && toolCallsOf(recording).length === 0;
    });
    if (index < 0) return [];
    const found = others[index]!;
    // The rounds before it were sent with it.
    const before = others.slice(0, index).filter((other) => isEarlierRound(other, found));
    for (const own of [...before, found]) others.splice(others.indexOf(own), 1);
    return [...before, found];
  };
}

function isEarlierRound({ request, recording }: ReadCall, { request: last }: ReadCall): boolean {
  if (recording === undefined || !isChatRecording(recording) || toolCallsOf(recording).length === 0) return false;
  const [own, all] = [messagesOf(request), messagesOf(last)];
  return own.length < all.length && JSON.stringify(own) === JSON.stringify(all.slice(0, own.length));
}

function fromRounds(rounds: readonly ReadCall[]): ModelCall {
  const [first] = rounds;
  if (first === undefined) return { kind: "chat", model: "", toolCalls: [] };
  const { stepId, startedAt, request } = first;
  const last = rounds.at(-1)!;
  const { recording } = last;
  const { system, texts } = request;
  const durationMs =
    startedAt === undefined || last.durationMs === undefined
      ? undefined
      : last.startedAt! + last.durationMs - startedAt;
  return {
    kind: Array.isArray(texts) ? "embeddings" : "chat",
    model: `${request.provider}:${request.model}`,
    ...(stepId === "" ? {} : { stepId }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(recording === undefined ? {} : { end: ENDS[recording.end] }),
    ...(typeof system === "string" ? { system } : {}),
    ...(Array.isArray(texts) ? { texts: texts.map(String) } : { messages: messagesOf(request) }),
    ...(recording === undefined || !isChatRecording(recording) ? {} : { answer: textOf(recording) }),
    toolCalls: rounds.flatMap((round) => toolCallsOf(round.recording).map(({ name, input }) => ({ name, input }))),
    ...usageOf(rounds),
    ...(recording?.error === undefined ? {} : { error: errorOf(recording.error) }),
  };
}

const ENDS = { complete: "completed", error: "failed", interrupted: "cancelled" } as const;
const EVENT_ENDS = { final: "completed", error: "failed", interrupt: "cancelled" } as const;

/** What the step's events say counts: they know what tools gave, what it cost and how it ended. */
function withEvents(call: ModelCall, events: readonly StepEvent[]): ModelCall {
  const last = events.at(-1)!;
  const { step, meta } = last;
  const usage: RunUsage = { calls: 0, inputTokens: 0, outputTokens: 0 };
  countUsage(usage, last);
  const { durationMs, cached } = step.metadata;
  const { calls, inputTokens, outputTokens, cost } = usage;
  const results = new Map(
    events.flatMap((event) =>
      event.type === "tool-result" ? [[event.toolResult.id, event.toolResult.result] as const] : [],
    ),
  );
  const toolCalls = events.flatMap((event): ModelToolCall[] => {
    if (event.type !== "tool-call") return [];
    const { id, name, input, inputText } = event.toolCall;
    return [{ name, input: input ?? inputText, ...(results.has(id) ? { result: results.get(id) } : {}) }];
  });
  return {
    ...call,
    model: call.model || meta.engine,
    stepId: step.stepId,
    startedAt: step.metadata.startedAt,
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(isTerminal(last.type) ? { end: EVENT_ENDS[last.type] } : {}),
    ...(last.type === "final" || last.type === "interrupt" ? { answer: last.text } : {}),
    toolCalls: toolCalls.length > 0 ? toolCalls : call.toolCalls,
    ...(calls > 0 ? { usage: { inputTokens, outputTokens } } : {}),
    ...(cost === undefined ? {} : { cost }),
    ...(cached === true ? { cached } : {}),
    ...(last.type === "error" ? { error: { message: last.error, code: last.code } } : {}),
  };
}

function usageOf(rounds: readonly ReadCall[]): Pick<ModelCall, "usage"> {
  const sums = { inputTokens: 0, outputTokens: 0 };
  let isKnown = false;
  for (const { recording } of rounds) {
    if (recording === undefined || !isChatRecording(recording)) continue;
    for (const chunk of recording.chunks) {
      if (chunk.type !== "end" || chunk.usage === undefined) continue;
      isKnown = true;
      sums.inputTokens += chunk.usage.inputTokens;
      sums.outputTokens += chunk.usage.outputTokens;
    }
  }
  return isKnown ? { usage: sums } : {};
}

function errorOf({ message, code }: { message: string; code?: string }): { message: string; code?: string } {
  return { message, ...(code === undefined ? {} : { code }) };
}

function textOf({ chunks }: ChatRecording): string {
  return chunks.map((chunk) => (chunk.type === "text" ? chunk.delta : "")).join("");
}

function toolCallsOf(recording: Recording | undefined): { name: string; input: unknown }[] {
  if (recording === undefined || !isChatRecording(recording)) return [];
  return recording.chunks.flatMap((chunk) =>
    chunk.type === "tool-call" ? [{ name: chunk.toolCall.name, input: chunk.toolCall.input }] : [],
  );
}

/** Nobody has checked what a log says of a request. */
function messagesOf({ messages }: RecordedRequest): PromptMessage[] {
  const all = Array.isArray(messages) ? (messages as unknown[]) : [];
  return all.filter((message) => typeof (message as PromptMessage | null)?.role === "string") as PromptMessage[];
}
