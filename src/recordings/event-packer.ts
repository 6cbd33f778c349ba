import { isTerminal, type StepEvent } from "../shared/step-events.ts";
import { askForContinuations, continuationOf, type Continuation } from "../steps/run-text.ts";

/** An event without what its predecessors of the same run say already. */
export type PackedEvent = Omit<StepEvent, "meta" | "step"> & {
  meta?: StepEvent["meta"];
  step?: StepEvent["step"];
  /** How `completion` follows from the one before: by the delta, or by it on a new line. */
  $completion?: Continuation;
};

interface RunState {
  completion: string;
  partials: number;
  meta: string;
  step: string;
}

/** Makes the events of runs short to keep: a text in a thousand pieces would be kept a thousand times. */
export class EventPacker {
  readonly #runs = new Map<string, RunState>();

  constructor() {
    askForContinuations();
  }

  pack(event: StepEvent): PackedEvent {
    const { stepId } = event.step;
    const state = this.#runs.get(stepId) ?? { completion: "", partials: 0, meta: "", step: "" };
    this.#runs.set(stepId, state);
    const packed: PackedEvent = { ...event };
    const [meta, step] = [JSON.stringify(event.meta), JSON.stringify(event.step)];
    if (meta === state.meta) delete packed.meta;
    if (step === state.step) delete packed.step;
    Object.assign(state, { meta, step });
    if (event.type === "partial") {
      const form = formOf(event, state);
      if (form !== undefined) {
        delete (packed as { completion?: string }).completion;
        packed.$completion = form;
      }
      state.completion = event.completion;
      state.partials++;
    }
    if (isTerminal(event.type)) this.#runs.delete(stepId);
    return packed;
  }
}

interface UnpackState {
  completion: string;
  meta: StepEvent["meta"] | undefined;
  step: StepEvent["step"] | undefined;
}

/** Makes packed events whole again; to be given them in order. */
export class EventUnpacker {
  readonly #runs = new Map<string, UnpackState>();

  /** Its fields are in the order that they have in an event of a run. */
  unpack(stepId: string, { $completion: form, seq, time, ...packed }: PackedEvent): StepEvent {
    const state = this.#runs.get(stepId) ?? { completion: "", meta: undefined, step: undefined };
    this.#runs.set(stepId, state);
    const meta = (state.meta = packed.meta ?? state.meta);
    const step = (state.step = packed.step ?? state.step);
    const { type, meta: _, step: __, ...own } = packed as Omit<StepEvent & { type: "partial" }, "seq" | "time">;
    const { delta, completion, ...rest } = own;
    if (type === "partial") {
      state.completion = form === undefined ? completion : `${state.completion}${form === "list" ? "\n" : ""}${delta}`;
    }
    const texts = type === "partial" ? { delta, completion: state.completion } : "delta" in own ? { delta } : {};
    const event = { type, ...texts, ...rest, meta, step, seq, time } as StepEvent;
    if (isTerminal(event.type)) this.#runs.delete(stepId);
    return event;
  }
}

function formOf(event: StepEvent & { type: "partial" }, state: RunState): Continuation | undefined {
  const { completion, delta } = event;
  const added = completion.length - state.completion.length;
  if (added !== delta.length && added !== delta.length + 1) return undefined;
  // Its own run says so. To compare a long text with each further piece would cost by the square.
  const known = continuationOf(event);
  if (known !== undefined && added === delta.length + (known === "list" ? 1 : 0)) return known;
  if (!completion.startsWith(state.completion) || !completion.endsWith(delta)) return undefined;
  if (added === delta.length) return "text";
  return state.partials > 0 && completion[state.completion.length] === "\n" ? "list" : undefined;
}
