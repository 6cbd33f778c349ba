import type { TraceKind, TraceModel, TracePlace, TraceSpan, TraceState, TraceStep } from "./trace-model.ts";

export interface TraceLimits {
  /** Most lines, and spans, of a page. */
  steps: number;
  /** Most characters of all texts together. */
  chars: number;
  /** Longest single text, in characters. */
  text: number;
}

export const TRACE_LIMITS: TraceLimits = { steps: 250_000, chars: 32_000_000, text: 100_000 };

/** Longest line in the list, in characters. */
const LINE_CHARS = 200;

export interface SpanFacts {
  parent?: number | undefined;
  before?: string | undefined;
  place?: TracePlace | undefined;
}

export interface EndFacts {
  state: TraceState;
  after?: string | undefined;
  tokens?: readonly [number, number] | undefined;
  cost?: number | undefined;
}

export interface StepFacts {
  span?: number | undefined;
  phase?: "begin" | "end";
  state?: "failed" | "cancelled" | undefined;
  detail?: string | undefined;
  stream?: "stdout" | "stderr";
  place?: TracePlace | undefined;
}

/** Collects what a page shows, within its limits; what is too much is counted. */
export class TraceWriter {
  readonly spans: TraceSpan[] = [];
  readonly steps: TraceStep[] = [];
  readonly #limits: TraceLimits;
  readonly #hasContents: boolean;
  #charsLeft: number;
  #last = 0;
  #leftOut = 0;
  #cut = 0;

  constructor(limits: TraceLimits, hasContents: boolean) {
    this.#limits = limits;
    this.#hasContents = hasContents;
    this.#charsLeft = limits.chars;
  }

  /** The latest moment so far. */
  get last(): number {
    return this.#last;
  }

  /** A text of the script's, or of a model's, as it may be shown; undefined where contents are left out. */
  content(text: string | undefined): string | undefined {
    return text === undefined || !this.#hasContents ? undefined : this.fit(text);
  }

  /** A text, within what there is room for. */
  fit(text: string): string {
    const most = Math.max(0, Math.min(this.#limits.text, this.#charsLeft));
    const kept = text.length <= most ? text : `${text.slice(0, most).replace(/[\ud800-\udbff]$/, "")}…`;
    if (text.length > most) this.#cut++;
    this.#charsLeft -= kept.length;
    return kept;
  }

  /** Something begins. Returns its number; undefined where there is no room for more. */
  begin(kind: TraceKind, name: string, at: number, { parent, before, place }: SpanFacts = {}): number | undefined {
    if (this.#isFull()) return undefined;
    const start = this.#move(at);
    const span = this.spans.length;
    this.spans.push({
      kind,
      name: name.slice(0, LINE_CHARS),
      start,
      state: "open",
      ...(parent === undefined ? {} : { parent }),
      ...(before === undefined ? {} : { before }),
      ...(place === undefined ? {} : { place }),
    });
    this.step(kind, name, start, { span, phase: "begin" });
    return span;
  }

  /** It has come to this. */
  end(span: number | undefined, at: number, { state, after, tokens, cost }: EndFacts): void {
    const found = span === undefined ? undefined : this.spans[span];
    if (found === undefined || found.end !== undefined) return;
    const end = this.#move(at);
    Object.assign(found, {
      end,
      state,
      ...(after === undefined ? {} : { after }),
      ...(tokens === undefined ? {} : { tokens }),
      ...(cost === undefined ? {} : { cost }),
    });
    this.step(found.kind, found.name, end, {
      span,
      phase: "end",
      state: state === "failed" || state === "cancelled" ? state : undefined,
    });
  }

  /** A time in which nothing went on: one line. */
  wait(name: string, start: number, end: number): void {
    const span = this.begin("wait", name, start);
    if (span !== undefined) Object.assign(this.spans[span]!, { end: this.#move(end), state: "ok" });
  }

  step(kind: TraceKind, text: string, at: number, facts: StepFacts = {}): void {
    if (this.#isFull()) return;
    const line = toLine(text);
    this.#charsLeft -= line.length + 60;
    const known = Object.entries(facts).filter(([, value]) => value !== undefined);
    this.steps.push({ at: this.#move(at), kind, text: line, ...(Object.fromEntries(known) as StepFacts as object) });
  }

  /** What there was no room for, in sentences. */
  notes(): string[] {
    const count = this.#limits.steps.toLocaleString("en-US");
    return [
      ...(this.#leftOut === 0
        ? []
        : [
            `This run is too large for one page: ${this.#leftOut.toLocaleString("en-US")} steps after the first ${
              this.steps.length < this.#limits.steps ? this.steps.length.toLocaleString("en-US") : count
            } are left out.`,
          ]),
      ...(this.#cut === 0 ? [] : [`${this.#cut.toLocaleString("en-US")} long texts are cut, each with … at its end.`]),
    ];
  }

  toModel(): Pick<TraceModel, "spans" | "steps"> {
    return { spans: this.spans, steps: this.steps };
  }

  #isFull(): boolean {
    if (this.steps.length < this.#limits.steps && this.#charsLeft > 0) return false;
    this.#leftOut++;
    return true;
  }

  /** Time does not go back: clocks may. */
  #move(at: number): number {
    this.#last = Math.max(this.#last, Number.isFinite(at) ? at : 0);
    return this.#last;
  }
}

/** A text of which its line does not say all; undefined for any other. */
export function beyondLine(text: string | undefined): string | undefined {
  return text === undefined || toLine(text) === text ? undefined : text;
}

/** The first line of a text, short enough for a list. */
function toLine(text: string): string {
  const line = text.slice(0, LINE_CHARS * 2).replace(/\s+/g, " ");
  return line.length <= LINE_CHARS ? line : `${line.slice(0, LINE_CHARS).replace(/[\ud800-\udbff]$/, "")}…`;
}
