import { createDeferred } from "../base/deferred.ts";
import { ATTRIBUTES, OPERATIONS } from "../base/telemetry/conventions.ts";
import { currentTelemetry, type SpanStart } from "../base/telemetry/trace.ts";
import { callWith, type CallContext } from "../base/call-context.ts";
import { abortable } from "../base/abortable.ts";
import { limitTime, type PersonWaits } from "../base/calls/person-waits.ts";
import { askOutside } from "../base/calls/outside.ts";
import type { ToolCallChunk, ToolDefinition } from "../providers/chat-provider.ts";
import { valueContents } from "../providers/traced/message-contents.ts";
import type { ReadableToolCall } from "../shared/chat-messages.ts";
import { GeppettoError } from "../shared/errors.ts";
import { MAX_TIMER_MS } from "../shared/limits.ts";
import { type HookAsked, type HookLayer, readAfter, readBefore } from "./chat-hooks.ts";
import { toTool, type Tool, type ToolSource } from "./chat-tool.ts";
import { GuestFailure } from "./guest-failure.ts";
import type { StepContext } from "./step.ts";
import { failed, messageOf, publishOutcome, toOutcome, type ToolOutcome } from "./tool-outcome.ts";

/** Whether a call may be made. False, or a rejection, makes the model see that it was refused. */
export type ApproveCall = (call: ReadableToolCall, context: CallContext) => boolean | Promise<boolean>;

export interface ToolBoxOptions extends ToolSource {
  /** What the script names or defines. */
  tools: readonly (string | ToolDefinition)[];
  onApprove?: ApproveCall | undefined;
  /** Waiting for somebody is not a tool's time. */
  personWaits?: PersonWaits | undefined;
  /** Asked around each call: the first is the first before it, and the last after it. */
  hooks?: readonly HookLayer[];
}

/** How often one call is made, at most. */
const MAX_ATTEMPTS = 10;

/** The tools of one run: what the model is told about them, and what comes of its calls. */
export class ToolBox {
  readonly #tools = new Map<string, Tool>();
  readonly #onApprove: ApproveCall | undefined;
  readonly #hooks: readonly HookLayer[];
  readonly #personWaits: PersonWaits | undefined;
  /** One call at a time is decided about. */
  #decided: Promise<unknown> = Promise.resolve();

  private constructor({ onApprove, personWaits, hooks = [] }: ToolBoxOptions) {
    this.#personWaits = personWaits;
    this.#onApprove = onApprove;
    this.#hooks = hooks;
  }

  /** @throws {GeppettoError} ValidationError for an unknown or doubled name, or an invalid schema. */
  static async create(options: ToolBoxOptions): Promise<ToolBox> {
    const box = new ToolBox(options);
    for (const given of options.tools) {
      const tool = await toTool(given, options);
      const { name } = tool.definition;
      if (box.#tools.has(name)) {
        throw new GeppettoError("ValidationError", `Cannot offer the tool "${name}": two tools have this name`);
      }
      box.#tools.set(name, tool);
    }
    return box;
  }

  get definitions(): ToolDefinition[] {
    return [...this.#tools.values()].map(({ definition: { timeoutMs: _, ...definition } }) => definition);
  }

  has(name: string): boolean {
    return this.#tools.has(name);
  }

  /** Is this a tool that the one who started the run answers for? */
  isOpen(name: string): boolean {
    const tool = this.#tools.get(name);
    return tool !== undefined && tool.run === undefined;
  }

  /**
   * Makes the calls of one round, all under way at once, and publishes each result in the order of the calls. Hooks before
   * a call and approval are asked for one call at a time. Rejects when the run is aborted, a script that blocks has an
   * asynchronous tool, or a hook fails.
   */
  async run(calls: readonly ToolCallChunk[], context: StepContext): Promise<ToolOutcome[]> {
    const pending = calls.map((chunk) => this.#make(chunk, context));
    for (const promise of pending) promise.catch(() => {});
    const outcomes: ToolOutcome[] = [];
    for (const [index, promise] of pending.entries()) {
      const outcome = await promise;
      outcomes.push(outcome);
      await publishOutcome(calls[index]!, outcome, context);
    }
    return outcomes;
  }

  /** Makes none of these calls, and publishes that of each, for a reason that has this code. */
  async decline(calls: readonly ToolCallChunk[], code: string, context: StepContext): Promise<void> {
    for (const call of calls)
      await publishOutcome(call, failed("the call was not made, the run ends here", code), context);
  }

  /** Makes one call, again and again where a hook wants that. */
  async #make(chunk: ToolCallChunk, context: StepContext): Promise<ToolOutcome> {
    let { toolCall } = chunk;
    for (let attempt = 1; ; attempt++) {
      const decision = this.#decided.then(() => this.#decide({ ...chunk, toolCall }, attempt, context));
      this.#decided = decision.catch(() => {});
      const decided = await decision;
      const seen = "outcome" in decided ? decided.outcome : await this.#tracedCall(decided.call, context);
      const facts = {
        ...("call" in decided && decided.call.input !== chunk.toolCall.input ? { input: decided.call.input } : {}),
        ...(attempt > 1 ? { attempts: attempt } : {}),
      };
      if ("outcome" in decided) return { ...seen, ...facts };
      const after = await this.#after(decided.call, seen, attempt, context);
      if (!("retry" in after)) return { ...after, ...facts };
      if (attempt >= MAX_ATTEMPTS) {
        throw new GeppettoError(
          "LimitError",
          `Cannot call the tool "${toolCall.name}" again: hooks.afterTool has asked for it ${MAX_ATTEMPTS} times`,
          { code: "ERR_LIMIT_TOOL_ATTEMPTS" },
        );
      }
      toolCall = after.input === undefined ? toolCall : { ...toolCall, input: after.input };
    }
  }

  /** What is done with a call: it is made, maybe with another input, or there is an outcome without that. */
  async #decide(
    { toolCall, inputError }: ToolCallChunk,
    attempt: number,
    context: StepContext,
  ): Promise<{ call: ReadableToolCall } | { outcome: ToolOutcome }> {
    const { signal } = context;
    signal.throwIfAborted();
    const tool = this.#tools.get(toolCall.name);
    if (tool === undefined) {
      const known = [...this.#tools.keys()].join(", ");
      const name = toolCall.name.slice(0, 100).toWellFormed();
      return { outcome: failed(`there is no tool "${name}"${known === "" ? "" : `, the tools are ${known}`}`) };
    }
    if (inputError !== undefined) return { outcome: failed(`the input does not fit: ${inputError}`, toolCall.code) };
    let call = toolCall as ReadableToolCall;
    for (const { before } of this.#hooks) {
      if (before === undefined) continue;
      const given = await abortable(before(call, attempt, this.#hookAsked(tool, context)), signal);
      const decision = readBefore(given, call.name);
      if (decision === undefined) continue;
      if ("refusal" in decision) return { outcome: failed(decision.refusal) };
      if ("result" in decision) return { outcome: toOutcome(decision.result) };
      call = { ...call, input: decision.input };
    }
    const flaw = await abortable(tool.check(call.input, "input", signal), signal);
    if (flaw !== undefined) return { outcome: failed(`the input does not fit: ${flaw}`, call.code) };
    const refused = await this.#approvalOf(call, signal);
    return refused === undefined ? { call } : { outcome: refused };
  }

  /** What becomes of an outcome: the host sees it before the script does. */
  async #after(
    call: ReadableToolCall,
    made: ToolOutcome,
    attempt: number,
    context: StepContext,
  ): Promise<ToolOutcome | { retry: true; input?: Record<string, unknown> }> {
    let outcome = made;
    const asking = this.#hookAsked(this.#tools.get(call.name)!, context);
    for (const { after } of this.#hooks.toReversed()) {
      if (after === undefined) continue;
      const { result, isError } = outcome;
      const asked = after(call, { result, isError }, attempt, asking);
      const decision = readAfter(await abortable(asked, context.signal), call.name);
      if (decision === undefined) continue;
      if ("retry" in decision) return decision;
      outcome = toOutcome(decision.result, decision.isError);
    }
    return outcome;
  }

  #hookAsked({ timeoutMs }: Tool, context: StepContext): HookAsked {
    return { context, timeoutMs, personWaits: this.#personWaits };
  }

  /** What the model is told of a call that may not be made; undefined for one that may. */
  async #approvalOf(call: ReadableToolCall, signal: AbortSignal): Promise<ToolOutcome | undefined> {
    if (this.#onApprove === undefined) return undefined;
    try {
      const approve = this.#onApprove;
      const approval = askOutside({ name: `the approval of ${call.name}`, effect: "none", signal }, () =>
        approve(structuredClone(call), callWith(signal)),
      );
      // A host app may give anything, such as an answer that says no: only a plain yes is one.
      const said: unknown = await abortable(approval, signal);
      return said === true ? undefined : failed("the call was not approved");
    } catch {
      signal.throwIfAborted();
      return failed("the call was not approved: asking for approval failed");
    }
  }

  /** Makes a call, and tells of it where somebody hears of it. */
  async #tracedCall(call: ReadableToolCall, context: StepContext): Promise<ToolOutcome> {
    const telemetry = currentTelemetry();
    if (telemetry === undefined) return this.#call(call, context);
    const span = telemetry.start(toolSpan(call, this.#tools.get(call.name)!.definition, telemetry.contents));
    try {
      const outcome = await span.run(() => this.#call(call, context));
      if (telemetry.contents) span.set({ [ATTRIBUTES.toolResult]: valueContents(outcome.result) });
      span.end(outcome.isError ? { error: outcome.cause } : undefined);
      return outcome;
    } catch (error) {
      span.end({ error });
      throw error;
    }
  }

  async #call({ name, input }: ReadableToolCall, context: StepContext): Promise<ToolOutcome> {
    const { run, timeoutMs } = this.#tools.get(name)!;
    // What the model asked for is told to others, too, and once more to the model.
    const given = structuredClone(input);
    const ended = new AbortController();
    const signal = AbortSignal.any([context.signal, ended.signal]);
    const overdue = createDeferred<never>();
    overdue.promise.catch(() => {});
    const stop = limitTime(Math.min(timeoutMs, MAX_TIMER_MS), this.#personWaits, () =>
      overdue.reject(new GeppettoError("TimeoutError", `the tool did not answer within ${timeoutMs} ms`)),
    );
    try {
      const work = (async () => run!(given, context, signal))();
      const result = await abortable(Promise.race([work, overdue.promise]), context.signal);
      return toOutcome(result);
    } catch (error) {
      context.signal.throwIfAborted();
      // The script waits for the run and gave it a tool that it cannot wait for: its mistake, not the model's.
      if (error instanceof GuestFailure && error.record.code === "ERR_STEP_ASYNC") throw error;
      return { ...failed(messageOf(error)), cause: error instanceof GuestFailure ? error.record : error };
    } finally {
      stop();
      ended.abort(new GeppettoError("AbortError", "The tool call is over"));
    }
  }
}

function toolSpan(
  { id, name, input }: ReadableToolCall,
  { description }: ToolDefinition,
  contents: boolean,
): SpanStart {
  return {
    name: `${OPERATIONS.tool} ${name}`,
    attributes: {
      [ATTRIBUTES.operation]: OPERATIONS.tool,
      [ATTRIBUTES.toolName]: name,
      [ATTRIBUTES.toolCallId]: id,
      [ATTRIBUTES.toolDescription]: description,
      [ATTRIBUTES.toolType]: "function",
      ...(contents ? { [ATTRIBUTES.toolArguments]: valueContents(input) } : {}),
    },
  };
}
