import { countUsage, type ModelCall, type RunUsage } from "../recordings/index.ts";
import { isTerminal, type StepEvent } from "../shared/step-events.ts";
import { showValue } from "./show-value.ts";
import { toCode } from "./to-code.ts";
import type { TracePlace } from "./trace-model.ts";
import { beyondLine, type TraceWriter } from "./trace-writer.ts";

/** What is known of a run of a step before its first event. */
export interface AskedRun {
  input?: unknown;
  place?: TracePlace | undefined;
}

/** Writes down what the events of runs say. */
export class TraceEvents {
  readonly #writer: TraceWriter;
  readonly #origin: number;
  /** The calls of models by the runs that made them, each with its index. */
  readonly #calls: Map<string, number>;
  readonly #asked = new Map<string, AskedRun>();
  readonly #runs = new Map<string, number | undefined>();
  readonly #open = new Map<string, string>();
  readonly #tools = new Map<string, { run: string; span: number | undefined }>();

  constructor(writer: TraceWriter, origin: number, calls: readonly ModelCall[]) {
    this.#writer = writer;
    this.#origin = origin;
    this.#calls = new Map(calls.flatMap(({ stepId }, index) => (stepId === undefined ? [] : [[stepId, index]])));
  }

  /** The runs under way: "chat, double". */
  get underWay(): string[] {
    return [...this.#open.values()];
  }

  /** A script has asked for a run. */
  ask(id: string, asked: AskedRun): void {
    this.#asked.set(id, asked);
  }

  add(event: StepEvent): void {
    const writer = this.#writer;
    const at = event.time - this.#origin;
    const { stepId } = event.step;
    // The log may have lost the first one.
    if (!this.#runs.has(stepId)) this.#begin(event, at);
    const span = this.#runs.get(stepId);
    if (isTerminal(event.type)) return this.#end(event, span, at);
    if (event.type === "tool-call") return this.#beginTool(event, at);
    if (event.type === "tool-result") return this.#endTool(event, at);
    if (event.type === "progress" || event.type === "log") {
      const {
        value,
        total,
        message = "",
      } = event.type === "progress" ? event.progress : { value: event.log.level, message: showValue(event.log.data) };
      const kept = writer.content(message);
      const of = total === undefined ? "" : ` of ${total}`;
      writer.step("event", `${event.type}: ${value}${of}${kept ? ` ${kept}` : ""}`, at, {
        span,
        detail: beyondLine(kept),
      });
      return;
    }
    if (event.type === "context") {
      const { action, messagesBefore, messagesAfter, summary } = event.context;
      const detail = summary === undefined ? undefined : writer.content(summary);
      writer.step("event", `context: ${action}, ${messagesBefore} messages to ${messagesAfter}`, at, { span, detail });
      return;
    }
    if (event.type !== "partial" && event.type !== "reasoning") return;
    const text = "result" in event ? showValue(event.result) : event.delta;
    const kept = writer.content(text);
    const what = event.type === "reasoning" ? "thinks: " : "";
    writer.step("event", kept === undefined ? `${what}${text.length} characters` : `${what}${kept}`, at, {
      span,
      detail: beyondLine(kept),
    });
  }

  #begin({ step, meta }: StepEvent, at: number): void {
    const asked = this.#asked.get(step.stepId);
    this.#asked.delete(step.stepId);
    const name = meta.engine === "" ? step.type : `${step.type} (${meta.engine})`;
    const parent = step.parentRunId === undefined ? undefined : this.#runs.get(step.parentRunId);
    // The runs that a step starts by itself come from where it was started.
    const place = asked?.place ?? (parent === undefined ? undefined : this.#writer.spans[parent]?.place);
    const before =
      asked?.input === undefined ? undefined : this.#writer.content(showValue(withoutDefaults(asked.input)));
    const span = this.#writer.begin("run", name, at, { parent, before, place });
    this.#runs.set(step.stepId, span);
    this.#open.set(step.stepId, step.type);
    const call = this.#calls.get(step.stepId);
    if (span !== undefined && call !== undefined) this.#writer.spans[span]!.call = call;
  }

  #end(event: StepEvent, span: number | undefined, at: number): void {
    this.#open.delete(event.step.stepId);
    const writer = this.#writer;
    if (event.type === "error") {
      const after = writer.content(`[${event.code}] ${event.error}`) ?? toCode(event.code);
      return writer.end(span, at, { state: "failed", after });
    }
    if (event.type === "interrupt")
      return writer.end(span, at, { state: "cancelled", after: writer.content(event.text) });
    if (event.type !== "final") return;
    const used: RunUsage = { calls: 0, inputTokens: 0, outputTokens: 0 };
    countUsage(used, event);
    writer.end(span, at, {
      state: "ok",
      after: writer.content(event.text !== "" ? event.text : showValue(event.result)),
      tokens: used.calls === 0 ? undefined : [used.inputTokens, used.outputTokens],
      cost: used.cost,
    });
  }

  /** The runs around a run have its tools' events, too: that is not a further call of the tool. */
  #beginTool(event: StepEvent & { type: "tool-call" }, at: number): void {
    const { id, name, input, inputText } = event.toolCall;
    if (this.#tools.has(id)) return;
    const before = this.#writer.content(showValue(input ?? inputText));
    const parent = this.#runs.get(event.step.stepId);
    const place = parent === undefined ? undefined : this.#writer.spans[parent]?.place;
    const span = this.#writer.begin("tool", name, at, { parent, before, place });
    this.#tools.set(id, { run: event.step.stepId, span });
  }

  #endTool(event: StepEvent & { type: "tool-result" }, at: number): void {
    const { id, result } = event.toolResult;
    const tool = this.#tools.get(id);
    if (tool?.run !== event.step.stepId) return;
    const text = showValue(result);
    const state = isFailure(result) ? "failed" : "ok";
    this.#writer.end(tool.span, at, { state, after: this.#writer.content(text) });
  }
}

/** A chat is asked with more than its input; what a script did not say is left out. */
function withoutDefaults(input: unknown): unknown {
  const { options, input: own, runnable, ...rest } = (input ?? {}) as Record<string, unknown>;
  const isChat = typeof input === "object" && input !== null && own !== undefined && Array.isArray(runnable);
  if (!isChat || Object.keys(rest).length > 0) return input;
  const isPlain = options === undefined || Object.keys(options as object).length === 0;
  return isPlain && runnable.length === 0 ? own : { input: own, options };
}

function isFailure(result: unknown): boolean {
  if (typeof result === "string") return /^Error\b/.test(result);
  return typeof result === "object" && result !== null && typeof (result as { error?: unknown }).error === "string";
}
