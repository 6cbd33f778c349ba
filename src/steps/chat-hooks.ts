import { askOutside } from "../base/calls/outside.ts";
import { limitTime, type PersonWaits } from "../base/calls/person-waits.ts";
import { callWith, type CallContext } from "../base/call-context.ts";
import { createDeferred } from "../base/deferred.ts";
import { closestName } from "../shared/closest-name.ts";
import type { ReadableToolCall } from "../shared/chat-messages.ts";
import { GeppettoError } from "../shared/errors.ts";
import { MAX_TIMER_MS } from "../shared/limits.ts";
import type { StepContext } from "./step.ts";
import { isObject } from "../shared/is-object.ts";
import { refuseWrong, type FieldsOf } from "../shared/wrong-option.ts";

/** What a hook is told beside the call. */
export interface HookContext extends CallContext {
  /** How often this call has been made, this time included. */
  attempt: number;
}

/** What may be done with a call before it is made: give it another input, refuse it, or answer it; nothing lets it be. */
export type BeforeToolAnswer =
  | { input: Record<string, unknown> }
  | { refuse: string }
  | { result: unknown }
  | null
  | undefined
  | void;

/** What may be done with what came of a call: put another result in its place, or make it again; nothing lets it be. */
export type AfterToolAnswer =
  | { result: unknown; isError?: boolean }
  | { retry: true; input?: Record<string, unknown> }
  | null
  | undefined
  | void;

/** What came of a call, as a hook sees it. */
export interface ToolOutcomeSeen {
  result: unknown;
  isError: boolean;
}

/**
 * Functions of the host's that are asked around every call of a tool. One that throws ends the run. The input that
 * `beforeTool` gives is checked and approved like the model's; a call that is made again goes the whole way again.
 */
export interface ToolHooks {
  beforeTool?(call: ReadableToolCall, context: HookContext): BeforeToolAnswer | Promise<BeforeToolAnswer>;
  afterTool?(
    call: ReadableToolCall,
    outcome: ToolOutcomeSeen,
    context: HookContext,
  ): AfterToolAnswer | Promise<AfterToolAnswer>;
}

/** Hooks as a run asks them, whosever they are. */
export interface HookLayer {
  before?(call: ReadableToolCall, attempt: number, asked: HookAsked): Promise<unknown>;
  after?(call: ReadableToolCall, outcome: ToolOutcomeSeen, attempt: number, asked: HookAsked): Promise<unknown>;
}

export interface HookAsked {
  context: StepContext;
  /** Longest time that a script's hook may take. */
  timeoutMs: number;
  /** Waiting for somebody is not its time. */
  personWaits: PersonWaits | undefined;
}

/** What is done with a call that a hook has looked at. */
export type Decision = { input: Record<string, unknown> } | { refusal: string } | { result: unknown } | undefined;

/** The names under which a run calls the hooks of its script. */
export const GUEST_HOOKS = { beforeTool: "hook beforeTool", afterTool: "hook afterTool" } as const;

/** The hooks of a script. */
export function guestHooks({
  beforeTool,
  afterTool,
}: {
  beforeTool?: boolean | undefined;
  afterTool?: boolean | undefined;
}): HookLayer {
  return {
    ...(beforeTool === true && {
      before: (call, attempt, asked) => within(asked, "beforeTool", { call, attempt }),
    }),
    ...(afterTool === true && {
      after: (call, outcome, attempt, asked) => within(asked, "afterTool", { call, outcome, attempt }),
    }),
  };
}

/** Asks a script's hook, which has so much time for it. */
async function within(
  { context, timeoutMs, personWaits }: HookAsked,
  hook: keyof typeof GUEST_HOOKS,
  args: object,
): Promise<unknown> {
  const work = context.callGuest(GUEST_HOOKS[hook], { ...args, timeoutMs });
  const overdue = createDeferred<never>();
  const message = `Cannot go on: hooks.${hook} did not answer within ${timeoutMs} ms`;
  const stop = limitTime(Math.min(timeoutMs, MAX_TIMER_MS), personWaits, () =>
    overdue.reject(new GeppettoError("TimeoutError", message)),
  );
  try {
    return await Promise.race([work, overdue.promise]);
  } finally {
    stop();
  }
}

/** The hooks of a host. They may look at the world, so an execution that lasts keeps what they gave. */
export function hostHooks(hooks: ToolHooks): HookLayer {
  const ask = (
    name: keyof ToolHooks,
    call: ReadableToolCall,
    attempt: number,
    { signal }: StepContext,
    run: (context: HookContext) => unknown,
  ): Promise<unknown> =>
    askOutside({ name: `${name} of ${call.name}`, effect: "none", signal }, () =>
      run(Object.defineProperty(callWith(signal), "attempt", { value: attempt, enumerable: true }) as HookContext),
    );
  return {
    ...(hooks.beforeTool && {
      before: (call, attempt, { context }) =>
        ask("beforeTool", call, attempt, context, (told) => hooks.beforeTool!(structuredClone(call), told)),
    }),
    ...(hooks.afterTool && {
      after: (call, outcome, attempt, { context }) =>
        ask("afterTool", call, attempt, context, (told) =>
          hooks.afterTool!(structuredClone(call), structuredClone(outcome), told),
        ),
    }),
  };
}

const HOOK_FIELDS: FieldsOf<ToolHooks> = { beforeTool: true, afterTool: true };

/**
 * What stands between a model and its tools, as a host app gives it: one that nobody can ask would let every call pass.
 *
 * @throws {GeppettoError} ConfigError for what is not a function, and for a hook that does not exist.
 */
export function checkGuards(what: string, { onApprove, hooks }: { onApprove?: unknown; hooks?: unknown }): void {
  requireFunction(what, "onApprove", onApprove);
  if (hooks === undefined || hooks === null) return;
  if (!isObject(hooks)) throw new GeppettoError("ConfigError", `Cannot ${what}: hooks must be an object`);
  const { beforeTool, afterTool } = hooks;
  refuseWrong(what, hooks, HOOK_FIELDS);
  requireFunction(what, "hooks.beforeTool", beforeTool);
  requireFunction(what, "hooks.afterTool", afterTool);
}

function requireFunction(what: string, name: string, value: unknown): void {
  if (value === undefined || value === null || typeof value === "function") return;
  throw new GeppettoError("ConfigError", `Cannot ${what}: ${name} must be a function`);
}

const BEFORE_FIELDS = ["input", "refuse", "result"];

/** @throws {GeppettoError} ValidationError for what such a hook cannot mean. */
export function readBefore(given: unknown, tool: string): Decision {
  const answer = readAnswer(given, "beforeTool", tool, BEFORE_FIELDS);
  if (answer === undefined) return undefined;
  const [field, second] = Object.keys(answer);
  if (second !== undefined) throw unusable("beforeTool", tool, `give one of input, refuse and result, not two`);
  if (field === "refuse") {
    if (typeof answer["refuse"] === "string") return { refusal: answer["refuse"] };
    throw unusable("beforeTool", tool, "refuse must be the reason, a text");
  }
  return field === "input" ? { input: readInput(answer["input"], "beforeTool", tool) } : { result: answer["result"] };
}

/** @throws {GeppettoError} ValidationError for what such a hook cannot mean. */
export function readAfter(
  given: unknown,
  tool: string,
): { retry: true; input?: Record<string, unknown> } | { result: unknown; isError?: boolean } | undefined {
  const isRetry = (given as { retry?: unknown } | null | undefined)?.retry === true;
  const answer = readAnswer(given, "afterTool", tool, isRetry ? ["retry", "input"] : ["result", "isError", "retry"]);
  if (answer === undefined) return undefined;
  const { result, isError, input } = answer;
  if (isRetry) return { retry: true, ...(input === undefined ? {} : { input: readInput(input, "afterTool", tool) }) };
  if (answer["retry"] !== undefined && answer["retry"] !== false)
    throw unusable("afterTool", tool, "retry must be true");
  if (!("result" in answer)) return undefined;
  if (isError !== undefined && typeof isError !== "boolean") {
    throw unusable("afterTool", tool, "isError must be true or false");
  }
  return { result, ...(isError === undefined ? {} : { isError }) };
}

function readAnswer(
  given: unknown,
  hook: string,
  tool: string,
  fields: readonly string[],
): Record<string, unknown> | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given !== "object" || Array.isArray(given)) {
    throw unusable(
      hook,
      tool,
      `expected nothing or an object, found ${Array.isArray(given) ? "a list" : typeof given}`,
    );
  }
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [field] of set) {
    if (fields.includes(field)) continue;
    const close = closestName(field, fields);
    throw unusable(hook, tool, `it has no field "${field}"${close === undefined ? "" : `, did you mean "${close}"?`}`);
  }
  return set.length === 0 ? undefined : Object.fromEntries(set);
}

function readInput(input: unknown, hook: string, tool: string): Record<string, unknown> {
  if (isObject(input)) return input;
  throw unusable(hook, tool, "input must be an object");
}

function unusable(hook: string, tool: string, why: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot use what hooks.${hook} gave for "${tool}": ${why}`);
}
