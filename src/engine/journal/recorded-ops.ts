import type { Journal } from "../../journal/read-journal.ts";
import { FRAMES } from "../../shared/contract/frame-kinds.ts";
import type { Op } from "../../shared/contract/op.ts";
import { OPS } from "../../shared/contract/ops.ts";
import { MCP_STEP } from "../../shared/contract/runs.ts";
import { decodeValue } from "../../shared/decode.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { FRAME_VERSION, type Frame, type Outcome } from "../../shared/frames.ts";
import type { EventFrame } from "../../shared/step-events.ts";
import { toError } from "./recorded-error.ts";
import { isObject } from "../../shared/is-object.ts";

/**
 * What a run was answered when it asked its host for something outside: functions of a host app's, images and servers. Each is
 * given once for the same arguments, in the order of then.
 */
export class RecordedOps {
  readonly #answers = new Map<string, Outcome[]>();
  /** The first call that had no answer, as the error that it got. */
  firstMiss: GeppettoError | undefined;

  constructor({ records }: Journal) {
    const pending = new Map<unknown, string>();
    const toolCalls = new Map<unknown, string>();
    let waiting: string | undefined;
    for (const record of records) {
      if (record.kind === "note" || record.kind === "call") noteToolCall(record.text, toolCalls);
      if (record.kind === "entry" && record.frame.text.startsWith(EVENT)) {
        const [, , id, event] = decodeValue(record.frame.text, record.frame.buffers) as unknown[];
        const key = toolCalls.get(id);
        const outcome = toToolOutcome(event as EventFrame);
        if (key !== undefined && outcome !== undefined) this.#add(key, outcome);
      } else if (record.kind === "call" || record.kind === "note" || record.kind === "wait") {
        const asked = toAsked(record.text);
        if (asked === undefined) continue;
        if (record.kind === "wait") waiting = asked.key;
        else if (asked.callId !== undefined) pending.set(asked.callId, asked.key);
        else if (record.kind === "call") this.#add(asked.key, toOutcome({ text: record.answer }));
      } else if (record.kind === "answer") {
        if (waiting !== undefined) this.#add(waiting, toOutcome(record.frame));
        waiting = undefined;
      } else if (record.kind === "entry" && record.frame.text.startsWith(SETTLE)) {
        const [, , callId, outcome] = decodeValue(record.frame.text, record.frame.buffers) as unknown[];
        const key = pending.get(callId);
        if (key !== undefined) this.#add(key, outcome as Outcome);
      }
    }
  }

  /** What serves the op in place of its own handler; undefined for one that asks nobody outside. */
  handlerFor({ name }: Op): ((args: unknown) => unknown) | undefined {
    return isOutside(name) ? (args) => this.#answer(name, args) : undefined;
  }

  /** What the same call of an MCP tool gave then. @throws what it failed with; ReplayError where there was none. */
  toolCall(input: unknown): unknown {
    return this.#answer(MCP_STEP, input);
  }

  #answer(name: string, args: unknown): unknown {
    const outcome = this.#answers.get(keyOf(name, args))?.shift();
    if (outcome?.ok) return outcome.value;
    if (outcome !== undefined) throw toError(outcome.error);
    const shown = name.replace(/^app\./, "").replace(/^store_/, "store.");
    const error = new GeppettoError(
      "ReplayError",
      `Cannot answer ${shown === OPS.fetch_send.name ? "fetch" : shown}: the run has no recorded answer to these arguments`,
      { code: "ERR_REPLAY_MISS" },
    );
    this.firstMiss ??= error;
    throw error;
  }

  #add(key: string, outcome: Outcome): void {
    const answers = this.#answers.get(key);
    if (answers === undefined) this.#answers.set(key, [outcome]);
    else answers.push(outcome);
  }
}

const START = `[${FRAME_VERSION},"${OPS.run_start.name}",`;
const EVENT = `[${FRAME_VERSION},"${FRAMES.event_deliver.name}",`;
const SETTLE = `[${FRAME_VERSION},"${FRAMES.call_settle.name}",`;

const OUTSIDE: ReadonlySet<string> = new Set([
  OPS.image_load.name,
  OPS.fetch_send.name,
  OPS.fetch_read.name,
  OPS.mcp_list.name,
  OPS.mcp_read.name,
  OPS.mcp_prompt.name,
  OPS.mcp_search.name,
  OPS.mcp_describe.name,
  OPS.store_get.name,
  OPS.store_set.name,
  OPS.store_delete.name,
  OPS.store_list.name,
]);

/** A call of an MCP tool is a run: it is known by its input. */
function noteToolCall(text: string, calls: Map<unknown, string>): void {
  if (!text.startsWith(START)) return;
  const [, , args] = decodeValue(text) as unknown[];
  const { id, step, input } = args as { id?: unknown; step?: unknown; input?: unknown };
  if (step === MCP_STEP) calls.set(id, keyOf(MCP_STEP, input));
}

function toToolOutcome({ type, results = [], error }: EventFrame): Outcome | undefined {
  if (type === "final") return { ok: true, value: results[0] };
  return type === "error" && error !== undefined ? { ok: false, error } : undefined;
}

function isOutside(name: string): boolean {
  return name.startsWith("app.") || OUTSIDE.has(name);
}

/** Arguments in a form in which the order of fields does not count. */
function keyOf(name: string, args: unknown): string {
  // What looks like a key is not in the record: headers often do.
  const known = name === OPS.fetch_send.name ? { ...(args as object), headers: undefined } : args;
  return JSON.stringify([name, known], (_, value: unknown) =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : typeof value === "bigint"
        ? `${value}n`
        : value,
  );
}

function toAsked(text: string): { key: string; callId: unknown } | undefined {
  const [, name, args, callId] = decodeValue(text) as unknown[];
  return typeof name === "string" && isOutside(name) ? { key: keyOf(name, args), callId } : undefined;
}

function toOutcome({ text, buffers }: Frame): Outcome {
  return decodeValue(text, buffers) as Outcome;
}
