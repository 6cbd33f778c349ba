import { DELIVERY, MCP_STEP, type McpCall } from "../../../src/shared/contract/runs.ts";
import { isTerminal } from "../../../src/shared/step-events.ts";
import { SafePromise, SafeTypeError } from "../../../src/shared/primordials.ts";
import { checkOptions, mapUnder, rejectAborted, signalOf } from "../core/calls.ts";
import { guard } from "../core/kernel.ts";
import type { GuestEvent } from "../steps/run.ts";
import { cancelledError } from "../steps/run-events.ts";
import { collect } from "../steps/collect.ts";
import { startRun } from "../steps/runs.ts";
import type { StepBinding } from "../steps/step-body.ts";
import { isAborted, onAbort, type AbortSignal } from "../web/abort.ts";

const BINDING: StepBinding = {
  step: MCP_STEP,
  type: "mcp",
  inputType: "object",
  outputType: "unknown",
  kind: "single",
};

type Listener = (event: GuestEvent) => unknown;

/** Calls a tool: a run like that of any step, with the tool's value as its one result. */
export function callTool(tool: Omit<McpCall, "args">, args: unknown, options: unknown): Promise<unknown> {
  checkOptions("call the tool", options, ["signal", "onEvent"]);
  const signal = signalOf(options);
  const onEvent = listenerOf(options);
  if (signal !== undefined && isAborted(signal)) return rejectAborted(signal);
  const input = { ...tool, args: args === undefined ? {} : args };
  const results =
    onEvent === undefined ? collect(BINDING, BINDING, input, { signal }) : collectEvents(input, onEvent, signal);
  return mapUnder(results, signal, (list) => list[0]);
}

function listenerOf(options: unknown): Listener | undefined {
  const onEvent = (options as { onEvent?: unknown } | null | undefined)?.onEvent;
  if (onEvent === undefined || typeof onEvent === "function") return onEvent as Listener | undefined;
  throw new SafeTypeError("Cannot use options.onEvent: it must be a function");
}

/** The results, where the script hears of each event as well. */
function collectEvents(input: unknown, onEvent: Listener, signal: AbortSignal | undefined): Promise<unknown[]> {
  return new SafePromise((resolve, reject) => {
    let forget = (): void => {};
    startRun(
      BINDING,
      BINDING,
      input,
      (event, failure) => {
        guard(onEvent, [event]);
        if (!isTerminal(event.type)) return;
        forget();
        if (event.type === "final") resolve(event["results"] as unknown[]);
        else reject(event.type === "error" ? failure : cancelledError());
      },
      { delivery: DELIVERY.every, signal },
    );
    if (signal !== undefined) forget = onAbort(signal, reject);
  });
}
