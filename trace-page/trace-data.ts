import type { ServedPage, TraceKind, TraceModel, TracePlace, TraceSpan, TraceStep } from "../src/trace/trace-model.ts";

export type PageData = TraceModel & { served?: ServedPage };

export const KINDS: readonly (readonly [kind: TraceKind, name: string])[] = [
  ["script", "Script"],
  ["run", "Runs"],
  ["event", "Events"],
  ["tool", "Tools"],
  ["op", "Operations"],
  ["timer", "Timers"],
  ["wait", "Waiting"],
  ["output", "Output"],
  ["host", "Notices"],
];

/** What had come together before a step. */
export interface Totals {
  underWay: number;
  tokens: number;
  cost: number;
  output: number;
}

/** A run with what is looked up often. */
export class TraceData {
  readonly model: PageData;
  readonly steps: readonly TraceStep[];
  readonly spans: readonly TraceSpan[];
  /** The steps at which each span begins and ends; -1 where it does not. */
  readonly begins: Int32Array;
  readonly ends: Int32Array;
  /** The span of each call of a model; -1 where there is none. */
  readonly spanOfCall: Int32Array;
  readonly #underWay: Int32Array;
  readonly #tokens: Float64Array;
  readonly #cost: Float64Array;
  readonly #output: Int32Array;

  constructor(model: PageData) {
    this.model = model;
    const { steps, spans, calls } = model;
    this.steps = steps;
    this.spans = spans;
    this.begins = new Int32Array(spans.length).fill(-1);
    this.ends = new Int32Array(spans.length).fill(-1);
    this.#underWay = new Int32Array(steps.length + 1);
    this.#tokens = new Float64Array(steps.length + 1);
    this.#cost = new Float64Array(steps.length + 1);
    this.#output = new Int32Array(steps.length + 1);
    for (let i = 0; i < steps.length; i++) this.#count(steps[i]!, i);
    this.spanOfCall = new Int32Array(calls.length).fill(-1);
    for (let i = spans.length - 1; i >= 0; i--) {
      const { call } = spans[i]!;
      if (call !== undefined) this.spanOfCall[call] = i;
    }
  }

  spanOf(step: TraceStep | undefined): TraceSpan | undefined {
    return step?.span === undefined ? undefined : this.spans[step.span];
  }

  placeOf(step: TraceStep | undefined): TracePlace | undefined {
    return step?.place ?? this.spanOf(step)?.place;
  }

  /** What had come together before the step at this index. */
  totals(index: number): Totals {
    const at = Math.max(0, Math.min(index, this.steps.length));
    return {
      underWay: this.#underWay[at]!,
      tokens: this.#tokens[at]!,
      cost: this.#cost[at]!,
      output: this.#output[at]!,
    };
  }

  /** How many spans are around a step. */
  depth(step: TraceStep): number {
    let depth = 0;
    let span = step.span === undefined ? undefined : this.spans[step.span];
    if (span !== undefined && step.phase === undefined) depth++;
    while (span?.parent !== undefined && depth < 6) {
      depth++;
      span = this.spans[span.parent];
    }
    return depth;
  }

  /** What the events of a run have said up to a step. */
  textUntil(span: number, index: number): string {
    let text = "";
    for (let i = Math.max(0, this.begins[span]!); i <= index; i++) {
      const step = this.steps[i]!;
      if (step.span === span && step.kind === "event") text += step.detail ?? step.text;
    }
    return text;
  }

  #count({ span, phase, kind }: TraceStep, index: number): void {
    let change = 0;
    let tokens = 0;
    let cost = 0;
    if (span !== undefined && phase === "begin") {
      this.begins[span] = index;
      if (kind !== "wait") change = 1;
    } else if (span !== undefined && phase === "end") {
      this.ends[span] = index;
      change = -1;
      const found = this.spans[span];
      tokens = (found?.tokens?.[0] ?? 0) + (found?.tokens?.[1] ?? 0);
      cost = found?.cost ?? 0;
    }
    this.#underWay[index + 1] = this.#underWay[index]! + change;
    this.#tokens[index + 1] = this.#tokens[index]! + tokens;
    this.#cost[index + 1] = this.#cost[index]! + cost;
    this.#output[index + 1] = this.#output[index]! + (kind === "output" ? 1 : 0);
  }
}
