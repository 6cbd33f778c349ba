import { type PipelineMessage, type StreamElement, traceOf, type TraceStep } from "./elements/element.ts";
import type { PipelineRun } from "./run/pipeline-run.ts";
import type { StageMetrics } from "./run/stage-run.ts";

/** All that came out of one execution. */
export interface PipelineResult {
  runId: string;
  elements: StreamElement[];
  /** The messages among them. */
  messages: PipelineMessage[];
  /** All texts, one after the other. */
  text: string;
  /** The last message of the assistant that is not history; else all texts as one; undefined where there are none. */
  response: PipelineMessage | undefined;
  /** Sums over the messages' `metadata.usage`, history left out, in tokens and, where prices are known, dollars. */
  usage: { inputTokens: number; outputTokens: number; cost?: number };
  /** The way of each element, with `withTracing(true)`. */
  trace: TraceStep[][];
  metrics: StageMetrics[];
}

export async function collectResult(run: PipelineRun): Promise<PipelineResult> {
  const elements: StreamElement[] = [];
  for await (const element of run) {
    if (element.kind === "error") throw element.error;
    elements.push(element);
  }
  const messages = elements.flatMap((element) => (element.kind === "message" ? [element.message] : []));
  const texts = elements.flatMap((element) => (element.kind === "text" ? [element.text] : []));
  const text = texts.join("");
  // What was loaded was said, and paid for, in another execution.
  const own = elements.flatMap((element) =>
    element.kind === "message" && element.metadata["history"] !== true ? [element.message] : [],
  );
  const said = own.findLast((message) => "role" in message && message.role === "assistant");
  return {
    runId: run.id,
    elements,
    messages,
    text,
    response: said ?? (texts.length > 0 ? { role: "assistant", text } : undefined),
    usage: sumUsage(own),
    trace: elements.map(traceOf),
    metrics: run.metrics(),
  };
}

function sumUsage(messages: readonly PipelineMessage[]): PipelineResult["usage"] {
  const sum: PipelineResult["usage"] = { inputTokens: 0, outputTokens: 0 };
  for (const { metadata } of messages) {
    const usage = (metadata?.["usage"] ?? {}) as Partial<PipelineResult["usage"]>;
    sum.inputTokens += usage.inputTokens ?? 0;
    sum.outputTokens += usage.outputTokens ?? 0;
    if (usage.cost !== undefined) sum.cost = (sum.cost ?? 0) + usage.cost;
  }
  return sum;
}
