import {
  append,
  defineField,
  isArray,
  isNativePromise,
  ObjectCreate,
  promiseThen,
  ReflectApply,
} from "../../../src/shared/primordials.ts";
import { clearTimer, startTimer } from "../core/timers.ts";
import { createAbortController, onAbort, type AbortSignal } from "../web/abort.ts";
import { DOMException } from "../web/dom-exception.ts";
import { acceptedValue, toJSONSchema, validatorOf } from "./tool-schema.ts";

type Settings = Record<string, unknown>;
type ToolFunction = (args: unknown, signal: AbortSignal) => unknown;

/** The tools of a chat, taken apart: what the host is told, and what stays here to be called. */
export interface SplitTools {
  settings: Settings;
  /** Names of the tools that can be called here. */
  runnable: string[];
  functions: Record<string, ToolFunction>;
}

/** The names under which a tool's schema may stand. */
const SCHEMA_FIELDS: readonly string[] = ["input", "parameters", "inputSchema", "input_schema", "schema"];

/** Takes the function out of each tool of the settings. Everything else crosses as it is, and the host judges it. */
export function splitTools(given: Settings): SplitTools {
  const settings = withPlainFormat(given);
  const { tools } = settings;
  const runnable: string[] = [];
  const functions = ObjectCreate(null) as Record<string, ToolFunction>;
  if (!isArray(tools)) return { settings, runnable, functions };
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
    const { signal, abort } = createAbortController();
    const forget = onAbort(runSignal, abort);
    const call = (accepted: unknown): unknown => ReflectApply(run, tool, [accepted, { signal }]);
    const verdict = validate === undefined ? { value: input } : validate(input);
    const value = isNativePromise(verdict)
      ? promiseThen(verdict, (late) => call(acceptedValue(late)))
      : call(acceptedValue(verdict));
    if (!isNativePromise(value)) {
      forget();
      return value;
    }
    const timer = startTimer(() => abort(new DOMException("The tool took too long", "TimeoutError")), timeoutMs, {
      weak: true,
    });
    const over = (): void => {
      clearTimer(timer);
      forget();
    };
    void promiseThen(value, over, over);
    return value;
  };
}
