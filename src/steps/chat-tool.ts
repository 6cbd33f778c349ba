import { withCallSignal, callWith, type CallContext } from "../base/call-context.ts";
import { askOutside, type CallEffect } from "../base/calls/outside.ts";
import type { ToolDefinition } from "../providers/chat-provider.ts";
import { compileJsonSchema, type JsonSchemaCheck } from "../providers/schema/json-schema.ts";
import { GeppettoError } from "../shared/errors.ts";
import { plainValue } from "../shared/step-events.ts";
import type { StepContext } from "./step.ts";
import { messageOf } from "./tool-outcome.ts";

/** A tool of the host's, which scripts offer to a model by its name. */
export interface HostTool {
  /** Told to the model: what it does, and when to use it. */
  description?: string;
  /** JSON schema of the input; default an object with no fields. */
  input?: Record<string, unknown>;
  /** Longest time of one call; default the step's. */
  timeoutMs?: number;
  /** What becomes of a call in an execution that lasts whose answer was lost with its process; default "once". */
  effect?: CallEffect;
  /** Its value, copied, is the result; what it throws is told to the model by its message. */
  run(input: Record<string, unknown>, context: CallContext): unknown;
}

/** A tool of one run. */
export interface Tool {
  definition: ToolDefinition;
  check: JsonSchemaCheck;
  timeoutMs: number;
  /** Absent: the one who started the run answers the call. */
  run?: (input: Record<string, unknown>, context: StepContext, signal: AbortSignal) => unknown;
}

/** Where the tools of a run come from. */
export interface ToolSource {
  /** Names of the script's own tools that have a `run`. */
  runnable: ReadonlySet<string>;
  hostTools: ReadonlyMap<string, HostTool>;
  /** Longest time of one call where the tool says nothing. */
  timeoutMs: number;
  /** Whose schemas they are, see {@link compileJsonSchema}. */
  owner?: object | undefined;
  signal?: AbortSignal | undefined;
}

const NO_INPUT = { type: "object", properties: {} };

/** The name under which a run calls a tool of its script. */
export function guestToolName(name: string): string {
  return `tool ${name}`;
}

/** @throws {GeppettoError} ValidationError for an unknown name, or an invalid schema. */
export async function toTool(given: string | ToolDefinition, options: ToolSource): Promise<Tool> {
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
  const { description, input = NO_INPUT, timeoutMs = options.timeoutMs, effect = "once" } = hostTool;
  return {
    definition: { name: given, ...(description === undefined ? {} : { description }), input },
    check: await compileJsonSchema(input, `the input schema of tool "${given}"`, options),
    timeoutMs,
    run: (value, _, signal) =>
      askOutside({ name: given, effect, args: [value], signal }, async () =>
        toPlain(given, await withCallSignal({ signal }, () => hostTool.run(value, callWith(signal)))),
      ),
  };
}

/** What of a host's value can cross: its JSON. */
function toPlain(tool: string, value: unknown): unknown {
  let text;
  try {
    text = JSON.stringify(value, plainValue);
  } catch (error) {
    const why = messageOf(error).replace(/\n[^]*/, "");
    throw new GeppettoError("ValidationError", `The tool "${tool}" has run, but its result is not JSON: ${why}`);
  }
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}
