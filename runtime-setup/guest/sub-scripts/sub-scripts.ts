import {
  append,
  defineField,
  isArray,
  ObjectCreate,
  ObjectKeys,
  ReflectApply,
  SafeTypeError,
} from "../../../src/shared/primordials.ts";
import { checkOptions, mapUnder, rejectAborted, signalOf } from "../core/calls.ts";
import { defineGlobal } from "../core/kernel.ts";
import { isAborted, type AbortSignal } from "../web/abort.ts";
import type { StepBinding } from "../steps/step-body.ts";
import { collect } from "../steps/collect.ts";

type Fields = Record<string, unknown>;
type Tool = (...args: never[]) => unknown;
type RunFunction = (args: unknown, signal: AbortSignal) => unknown;

/** Runs of all sub-scripts belong to this. */
const OWNER = {};
const OPTIONS: readonly string[] = ["input", "tools", "signal", "limits", "name", "onOutput"];

/** What can be called of this run: the script's functions, by their names there. */
function functionsOf(tools: Fields): Record<string, RunFunction> {
  const functions = ObjectCreate(null) as Record<string, RunFunction>;
  const names = ObjectKeys(tools);
  for (let i = 0; i < names.length; i++) {
    const tool = tools[names[i]!] as Tool;
    defineField(functions, `tool ${names[i]}`, (args: unknown) => ReflectApply(tool, tools, args as never[]));
  }
  return functions;
}

function checkedTools(tools: unknown): Fields {
  if (tools === undefined || tools === null) return {};
  if (typeof tools !== "object" || isArray(tools)) {
    throw new SafeTypeError("Cannot run the sub-script: tools must be an object of functions");
  }
  const names = ObjectKeys(tools);
  for (let i = 0; i < names.length; i++) {
    if (typeof (tools as Fields)[names[i]!] === "function") continue;
    throw new SafeTypeError(`Cannot run the sub-script: tools.${names[i]} must be a function`);
  }
  return tools as Fields;
}

/** `runScript(code, { input, tools, signal, limits })`: how the code fails is part of what it resolves with. */
function runScript(code: unknown, options: unknown = {}): Promise<unknown> {
  if (typeof code !== "string") {
    throw new SafeTypeError(`Cannot run the sub-script: the code must be a string, not ${typeof code}`);
  }
  if (typeof options !== "object" || options === null) {
    throw new SafeTypeError("Cannot run the sub-script: options must be an object");
  }
  checkOptions("run the sub-script", options, OPTIONS);
  const { input, limits, name, onOutput, tools: passed } = options as Fields;
  if (onOutput !== undefined && typeof onOutput !== "function") {
    throw new SafeTypeError("Cannot run the sub-script: onOutput must be a function");
  }
  const tools = checkedTools(passed);
  const signal = signalOf(options);
  if (signal !== undefined && isAborted(signal)) return rejectAborted(signal);
  const names: string[] = [];
  const keys = ObjectKeys(tools);
  for (let i = 0; i < keys.length; i++) append(names, keys[i]!);
  const functions = functionsOf(tools);
  const binding: StepBinding = {
    step: "sub-script",
    type: "sub-script",
    inputType: "string",
    outputType: "any",
    kind: "text",
    toInput: () => ({ code, input, tools: names, limits, name }),
    functionsOf: () => functions,
  };
  // Without a listener nothing of it is seen before its end: then it can be run again where it was interrupted.
  const onPartial = (event: { [field: string]: unknown }): void =>
    void ReflectApply(onOutput as Tool, undefined, [event["delta"]] as never[]);
  const collected = collect(OWNER, binding, code, onOutput === undefined ? { signal } : { signal, onPartial });
  return mapUnder(collected, signal, (results) => (results as Fields[])[0]);
}

/** `runScript`. */
export function installSubScripts(): void {
  defineGlobal("runScript", runScript);
}
