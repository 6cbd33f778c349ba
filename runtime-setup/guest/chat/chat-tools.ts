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

type Settings = Record<string, unknown>;
type ToolFunction = (args: unknown, signal: AbortSignal) => unknown;

/** The tools of a chat, taken apart: what the host is told, and what stays here to be called. */
export interface SplitTools {
  settings: Settings;
  /** Names of the tools that can be called here. */
  runnable: string[];
  functions: Record<string, ToolFunction>;
}

/** Takes the `run` out of each tool of the settings. Everything else crosses as it is, and the host judges it. */
export function splitTools(settings: Settings): SplitTools {
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
    const { run, ...definition } = tool as Settings;
    const { name, input } = definition;
    const schema = schemaOf(input);
    append(plain, schema === undefined ? definition : { ...definition, input: schema });
    if (typeof run !== "function" || typeof name !== "string") continue;
    append(runnable, name);
    defineField(functions, `tool ${name}`, callerOf(tool, run as (...args: never[]) => unknown));
  }
  return { settings: { ...settings, tools: plain }, runnable, functions };
}

/** The schema of an input that is said by a zod schema or its like. */
function schemaOf(input: unknown): unknown {
  if (typeof input !== "object" || input === null) return undefined;
  const { toJSONSchema } = input as { toJSONSchema?: unknown };
  return typeof toJSONSchema === "function" ? ReflectApply(toJSONSchema as () => unknown, input, []) : undefined;
}

/** Calls the script's function with a signal of the call's own, which the run's abort and the time limit abort. */
function callerOf(tool: object, run: (...args: never[]) => unknown): ToolFunction {
  return (args, runSignal) => {
    const { input, timeoutMs } = args as { input: unknown; timeoutMs: number };
    const { signal, abort } = createAbortController();
    const forget = onAbort(runSignal, abort);
    const value = ReflectApply(run, tool, [input, { signal }]);
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
