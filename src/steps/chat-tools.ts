import { createDeferred } from "../base/deferred.ts";
import { timeSource } from "../base/time/time-source.ts";
import { callWith, withCallSignal, type CallContext } from "../base/call-context.ts";
import { abortable } from "../base/abortable.ts";
import type { ToolCallChunk, ToolDefinition } from "../providers/chat-provider.ts";
import { compileJsonSchema, type JsonSchemaCheck } from "../providers/schema/json-schema.ts";
import type { ReadableToolCall } from "../shared/chat-messages.ts";
import { GeppettoError } from "../shared/errors.ts";
import { MAX_TIMER_MS } from "../shared/limits.ts";
import { resultText } from "../shared/step-events.ts";
import { GuestFailure } from "./guest-failure.ts";
import type { StepContext } from "./step.ts";

/** A tool of the host's, which scripts offer to a model by its name. */
export interface HostTool {
  /** Told to the model: what it does, and when to use it. */
  description?: string;
  /** JSON schema of the input; default an object with no fields. */
  input?: Record<string, unknown>;
  /** Longest time of one call; default the step's. */
  timeoutMs?: number;
  /** Its value, copied, is the result; what it throws is told to the model by its message. */
  run(input: Record<string, unknown>, context: CallContext): unknown;
}

/** Whether a call may be made. False, or a rejection, makes the model see that it was refused. */
export type ApproveCall = (call: ReadableToolCall, context: CallContext) => boolean | Promise<boolean>;

export interface ToolBoxOptions {
  /** What the script names or defines. */
  tools: readonly (string | ToolDefinition)[];
  /** Names of the script's own tools that have a `run`. */
  runnable: ReadonlySet<string>;
  hostTools: ReadonlyMap<string, HostTool>;
  /** Longest time of one call where the tool says nothing. */
  timeoutMs: number;
  onApprove?: ApproveCall | undefined;
  /** Whose schemas they are, see {@link compileJsonSchema}. */
  owner?: object | undefined;
  signal?: AbortSignal | undefined;
}

export interface ToolOutcome {
  /** What the `tool-result` event tells. */
  result: unknown;
  /** What the model is told. */
  text: string;
  isError: boolean;
  code?: string;
}

interface Tool {
  definition: ToolDefinition;
  check: JsonSchemaCheck;
  timeoutMs: number;
  /** Absent: the one who started the run answers the call. */
  run?: (input: Record<string, unknown>, context: StepContext, signal: AbortSignal) => unknown;
}

const NO_INPUT = { type: "object", properties: {} };

/** The name under which a run calls a tool of its script. */
export function guestToolName(name: string): string {
  return `tool ${name}`;
}

/** The tools of one run: what the model is told about them, and what comes of its calls. */
export class ToolBox {
  readonly #tools = new Map<string, Tool>();
  readonly #onApprove: ApproveCall | undefined;

  private constructor(onApprove: ApproveCall | undefined) {
    this.#onApprove = onApprove;
  }

  /** @throws {GeppettoError} ValidationError for an unknown or doubled name, or an invalid schema. */
  static async create(options: ToolBoxOptions): Promise<ToolBox> {
    const box = new ToolBox(options.onApprove);
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
   * Makes the calls of one round, all under way at once, and publishes each result in the order of the calls. Approval
   * is asked for one call at a time. Rejects when the run is aborted, or a script that blocks has an asynchronous tool.
   */
  async run(calls: readonly ToolCallChunk[], context: StepContext): Promise<ToolOutcome[]> {
    let previous: Promise<unknown> = Promise.resolve();
    const pending = calls.map((chunk) => {
      const refusal = previous.then(() => this.#refusalOf(chunk, context));
      previous = refusal.catch(() => {});
      return refusal.then((refused) => refused ?? this.#call(chunk.toolCall as ReadableToolCall, context));
    });
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

  /** What the model is told of a call that is not made; undefined for one that is. */
  async #refusalOf({ toolCall, inputError }: ToolCallChunk, { signal }: StepContext): Promise<ToolOutcome | undefined> {
    signal.throwIfAborted();
    const tool = this.#tools.get(toolCall.name);
    if (tool === undefined) {
      const known = [...this.#tools.keys()].join(", ");
      const name = toolCall.name.slice(0, 100).toWellFormed();
      return failed(`there is no tool "${name}"${known === "" ? "" : `, the tools are ${known}`}`);
    }
    const flaw = inputError ?? (await abortable(tool.check(toolCall.input, "input", signal), signal));
    if (flaw !== undefined) return failed(`the input does not fit: ${flaw}`, toolCall.code);
    if (this.#onApprove === undefined) return undefined;
    try {
      const approval = Promise.resolve(
        this.#onApprove(structuredClone(toolCall as ReadableToolCall), callWith(signal)),
      );
      return (await abortable(approval, signal)) ? undefined : failed("the call was not approved");
    } catch {
      signal.throwIfAborted();
      return failed("the call was not approved: asking for approval failed");
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
    const stop = timeSource().after(Math.min(timeoutMs, MAX_TIMER_MS), () =>
      overdue.reject(new GeppettoError("TimeoutError", `the tool did not answer within ${timeoutMs} ms`)),
    );
    try {
      const work = (async () => run!(given, context, signal))();
      const result = await abortable(Promise.race([work, overdue.promise]), context.signal);
      return { result, text: resultText(result), isError: false };
    } catch (error) {
      context.signal.throwIfAborted();
      // The script waits for the run and gave it a tool that it cannot wait for: its mistake, not the model's.
      if (error instanceof GuestFailure && error.record.code === "ERR_STEP_ASYNC") throw error;
      return failed(messageOf(error));
    } finally {
      stop();
      ended.abort(new GeppettoError("AbortError", "The tool call is over"));
    }
  }
}

async function publishOutcome(
  { toolCall: { id } }: ToolCallChunk,
  { result, isError, code }: ToolOutcome,
  context: StepContext,
): Promise<void> {
  const failure = { ...(isError ? { isError } : {}), ...(code === undefined ? {} : { code }) };
  await context.publish({ type: "tool-result", toolResult: { id, result, ...failure } });
}

async function toTool(given: string | ToolDefinition, options: ToolBoxOptions): Promise<Tool> {
  if (typeof given !== "string") {
    const { name, timeoutMs = options.timeoutMs } = given;
    const check = await compileJsonSchema(given.input, `the input schema of tool "${name}"`, options);
    const tool: Tool = { definition: given, check, timeoutMs };
    if (options.runnable.has(name)) {
      tool.run = (input, context) => context.callGuest(guestToolName(name), { input, timeoutMs });
    }
    return tool;
  }
  const hostTool = options.hostTools.get(given);
  if (hostTool === undefined) {
    const known = [...options.hostTools.keys()].join(", ");
    const hint = known === "" ? "the host has no tools" : `the host has ${known}`;
    throw new GeppettoError("ValidationError", `Cannot offer the tool "${given}": ${hint}`);
  }
  const { description, input = NO_INPUT, timeoutMs = options.timeoutMs } = hostTool;
  return {
    definition: { name: given, ...(description === undefined ? {} : { description }), input },
    check: await compileJsonSchema(input, `the input schema of tool "${given}"`, options),
    timeoutMs,
    run: async (value, _, signal) =>
      toPlain(
        await withCallSignal(
          () => signal,
          () => hostTool.run(value, callWith(signal)),
        ),
      ),
  };
}

/** What of a host's value can cross: its JSON. */
function toPlain(value: unknown): unknown {
  const text = JSON.stringify(value);
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

function failed(reason: string, code?: string): ToolOutcome {
  const text = `Error: ${reason}`;
  return { result: text, text, isError: true, ...(code === undefined ? {} : { code }) };
}

function messageOf(error: unknown): string {
  if (error instanceof GuestFailure) return error.record.message;
  return error instanceof Error ? error.message : String(error);
}
