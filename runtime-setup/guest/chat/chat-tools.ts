import {
  append,
  defineField,
  isArray,
  isNativePromise,
  ObjectCreate,
  ObjectKeys,
  promiseThen,
  ReflectApply,
} from "../../../src/shared/primordials.ts";
import { asContext } from "../core/calls.ts";
import { limitTime } from "../core/person-waits.ts";
import { createAbortController, onAbort, type AbortSignal } from "../web/abort.ts";
import { DOMException } from "../web/dom-exception.ts";
import { acceptedValue, toJSONSchema, validatorOf } from "./tool-schema.ts";

type Settings = Record<string, unknown>;
type ToolFunction = (args: unknown, signal: AbortSignal) => unknown;
type Called = (...args: never[]) => unknown;

/** The tools of a chat, taken apart: what the host is told, and what stays here to be called. */
export interface SplitTools {
  settings: Settings;
  /** Names of the tools that can be called here. */
  runnable: string[];
  functions: Record<string, ToolFunction>;
}

/** The names under which a tool's schema may stand. */
const SCHEMA_FIELDS: readonly string[] = ["input", "parameters", "inputSchema", "input_schema", "schema"];

/** What stands for a function, which cannot cross: the host refuses it by the option's name, where it takes none there. */
export const FUNCTION = { function: true } as const;

/**
 * Takes the functions out of the settings: those of tools, of `hooks` and of `context`. Everything else crosses as it is,
 * and the host judges it.
 */
export function splitTools(given: Settings): SplitTools {
  const functions = ObjectCreate(null) as Record<string, ToolFunction>;
  const settings = withoutHooks(withPlainFormat(given), functions);
  const { tools } = settings;
  const runnable: string[] = [];
  if (!isArray(tools)) {
    // The host refuses what is not a list; functions in it could not cross.
    const isOther = typeof tools === "object" && tools !== null;
    return { settings: isOther ? { ...settings, tools: {} } : settings, runnable, functions };
  }
  const plain: unknown[] = [];
  for (let i = 0; i < tools.length; i++) {
    const tool: unknown = tools[i];
    if (typeof tool !== "object" || tool === null) {
      append(plain, tool);
      continue;
    }
    const { definition, name, run, schema } = readTool(tool as Settings);
    append(plain, definition);
    if (run === undefined || typeof name !== "string") continue;
    append(runnable, name);
    defineField(functions, `tool ${name}`, callerOf(tool, run, validatorOf(schema)));
  }
  return { settings: { ...settings, tools: plain }, runnable, functions };
}

/** The settings with marks in the place of the functions of `hooks` and `context`. */
function withoutHooks(settings: Settings, functions: Record<string, ToolFunction>): Settings {
  const { hooks, context } = settings;
  const plain: Settings = {};
  if (typeof hooks === "object" && hooks !== null) {
    defineField(plain, "hooks", withoutOwn(hooks as Settings, "hook", functions, callHook));
  }
  if (typeof context === "object" && context !== null) {
    defineField(plain, "context", withoutOwn(context as Settings, "context", functions, callCompact));
  }
  return { ...settings, ...plain };
}

function withoutOwn(
  given: Settings,
  prefix: string,
  functions: Record<string, ToolFunction>,
  toFunction: (owner: object, fn: Called) => ToolFunction,
): Settings {
  const copied: Settings = { ...given };
  const keys = ObjectKeys(given);
  for (let i = 0; i < keys.length; i++) {
    const value = given[keys[i]!];
    if (typeof value !== "function") continue;
    defineField(copied, keys[i]!, FUNCTION);
    defineField(functions, `${prefix} ${keys[i]}`, toFunction(given, value as Called));
  }
  return copied;
}

function callHook(owner: object, fn: Called): ToolFunction {
  return (args, runSignal) => {
    const { call, outcome, attempt, timeoutMs } = args as {
      call: unknown;
      outcome?: unknown;
      attempt: number;
      timeoutMs: number;
    };
    return bounded(runSignal, timeoutMs, (signal) => {
      const told = asContext({ attempt, signal });
      return ReflectApply(fn, owner, outcome === undefined ? [call, told] : [call, outcome, told]);
    });
  };
}

function callCompact(owner: object, fn: Called): ToolFunction {
  return (args, signal) => {
    const { messages, tokens, maxTokens } = args as { messages: unknown; tokens: number; maxTokens: number };
    return ReflectApply(fn, owner, [messages, asContext({ tokens, maxTokens, signal })]);
  };
}

interface ReadTool {
  /** The tool as it crosses. */
  definition: Settings;
  name: unknown;
  run: ((...args: never[]) => unknown) | undefined;
  /** As the script wrote it. */
  schema: unknown;
}

/** A tool in our own form, or in OpenAI's, where all but the function may stand one level further down. */
function readTool(tool: Settings): ReadTool {
  const { run, execute, ...rest } = tool;
  const own = run ?? execute;
  if (typeof rest["function"] === "object" && rest["function"] !== null) {
    const inner = readTool(rest["function"] as Settings);
    const definition = { ...rest, function: inner.definition };
    return { ...inner, definition, run: typeof own === "function" ? (own as ReadTool["run"]) : inner.run };
  }
  const definition = rest;
  let schema: unknown;
  for (let i = 0; i < SCHEMA_FIELDS.length; i++) {
    const field = SCHEMA_FIELDS[i]!;
    const value = definition[field];
    if (value === undefined || value === null) continue;
    schema = value;
    definition[field] = toJSONSchema(value, `the tool ${showName(definition["name"])}`);
  }
  // What is not a function crosses, so that the host refuses it by its name; and so does a second one.
  if (run !== undefined && run !== null && typeof run !== "function") definition["run"] = run;
  if (execute !== undefined && execute !== null && (typeof execute !== "function" || typeof run === "function")) {
    definition["execute"] = typeof execute === "function" ? "a second function" : execute;
  }
  return {
    definition,
    name: definition["name"],
    run: typeof own === "function" ? (own as ReadTool["run"]) : undefined,
    schema,
  };
}

function showName(name: unknown): string {
  return typeof name === "string" ? `"${name}"` : "without a name";
}

/** The settings with the format of the answer as a JSON schema. */
function withPlainFormat(settings: Settings): Settings {
  const { responseFormat } = settings;
  if (responseFormat === undefined || responseFormat === null) return settings;
  const plain = toJSONSchema(responseFormat, "responseFormat");
  return plain === responseFormat ? settings : { ...settings, responseFormat: plain };
}

/** Calls the script's function with a signal of the call's own, which the run's abort and the time limit abort. */
function callerOf(
  tool: object,
  run: (...args: never[]) => unknown,
  validate: ((input: unknown) => unknown) | undefined,
): ToolFunction {
  return (args, runSignal) => {
    const { input, timeoutMs } = args as { input: unknown; timeoutMs: number };
    return bounded(runSignal, timeoutMs, (signal) => {
      const call = (accepted: unknown): unknown => ReflectApply(run, tool, [accepted, { signal }]);
      const verdict = validate === undefined ? { value: input } : validate(input);
      return isNativePromise(verdict)
        ? promiseThen(verdict, (late) => call(acceptedValue(late)))
        : call(acceptedValue(verdict));
    });
  };
}

/** Does something with a signal that the run's abort aborts, and the time limit. */
function bounded(runSignal: AbortSignal, timeoutMs: number, work: (signal: AbortSignal) => unknown): unknown {
  const { signal, abort } = createAbortController();
  const forget = onAbort(runSignal, abort);
  let value: unknown;
  try {
    value = work(signal);
  } catch (error) {
    forget();
    throw error;
  }
  if (!isNativePromise(value)) {
    forget();
    return value;
  }
  const stop = limitTime(() => abort(new DOMException("The tool took too long", "TimeoutError")), timeoutMs);
  const over = (): void => {
    stop();
    forget();
  };
  void promiseThen(value, over, over);
  return value;
}
