import type { Journal } from "../../journal/read-journal.ts";
import { FRAMES } from "../../shared/contract/frame-kinds.ts";
import type { Op } from "../../shared/contract/op.ts";
import { OPS } from "../../shared/contract/ops.ts";
import { decodeValue } from "../../shared/decode.ts";
import { ERROR_CODES, GeppettoError, type ErrorName } from "../../shared/errors.ts";
import { FRAME_VERSION, type ErrorRecord, type Frame, type Outcome } from "../../shared/frames.ts";

/**
 * What a run was answered when it asked its host for something outside: functions of a host app's, and images. Each is
 * given once for the same arguments, in the order of then.
 */
export class RecordedOps {
  readonly #answers = new Map<string, Outcome[]>();
  /** The first call that had no answer, as the error that it got. */
  firstMiss: GeppettoError | undefined;

  constructor({ records }: Journal) {
    const pending = new Map<unknown, string>();
    let waiting: string | undefined;
    for (const record of records) {
      if (record.kind === "call" || record.kind === "note" || record.kind === "wait") {
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

  #answer(name: string, args: unknown): unknown {
    const outcome = this.#answers.get(keyOf(name, args))?.shift();
    if (outcome?.ok) return outcome.value;
    if (outcome !== undefined) throw toError(outcome.error);
    const shown = name.replace(/^app\./, "");
    const error = new GeppettoError(
      "ReplayError",
      `Cannot answer ${shown}: the run has no recorded answer to these arguments`,
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

const SETTLE = `[${FRAME_VERSION},"${FRAMES.call_settle.name}",`;

function isOutside(name: string): boolean {
  return name.startsWith("app.") || name === OPS.image_load.name;
}

/** Arguments in a form in which the order of fields does not count. */
function keyOf(name: string, args: unknown): string {
  return JSON.stringify([name, args], (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
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

/** The error of then. */
function toError({ name, message, ...details }: ErrorRecord): Error {
  if (Object.hasOwn(ERROR_CODES, name)) return new GeppettoError(name as ErrorName, message, details);
  return Object.assign(new Error(message), { name });
}
