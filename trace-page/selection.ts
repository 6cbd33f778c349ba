import type { TraceKind } from "../src/trace/trace-model.ts";
import type { TraceData } from "./trace-data.ts";

/** Which steps are shown, and which one is looked at. All parts of the page follow it. */
export class Selection {
  readonly data: TraceData;
  readonly #listeners: ((why: "step" | "filter") => void)[] = [];
  readonly #hidden = new Set<TraceKind>();
  #query = "";
  #index = 0;
  /** The indices of the steps that are shown. */
  shown: Int32Array;

  constructor(data: TraceData) {
    this.data = data;
    this.shown = Int32Array.from(data.steps, (_, index) => index);
  }

  /** The step that is looked at. */
  get index(): number {
    return this.#index;
  }

  get query(): string {
    return this.#query;
  }

  onChange(listener: (why: "step" | "filter") => void): void {
    this.#listeners.push(listener);
  }

  isHidden(kind: TraceKind): boolean {
    return this.#hidden.has(kind);
  }

  select(index: number): void {
    const next = Math.max(0, Math.min(index, this.data.steps.length - 1));
    if (next === this.#index) return;
    this.#index = next;
    this.#tell("step");
  }

  /** Goes on by so many of the steps that are shown. */
  move(by: number): void {
    const { shown } = this;
    if (shown.length === 0) return;
    const at = this.position();
    const isThere = shown[at] === this.#index;
    const next = by > 0 && !isThere ? at + by - 1 : at + by;
    this.select(shown[Math.max(0, Math.min(next, shown.length - 1))]!);
  }

  /** Where the step stands among those that are shown, or would stand. */
  position(index: number = this.#index): number {
    let low = 0;
    let high = this.shown.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.shown[middle]! < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  toggle(kind: TraceKind): void {
    if (!this.#hidden.delete(kind)) this.#hidden.add(kind);
    this.#filter();
  }

  search(query: string): void {
    this.#query = query;
    this.#filter();
  }

  #filter(): void {
    const { steps, spans } = this.data;
    const wanted = this.#query.trim().toLowerCase();
    const found: number[] = [];
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!;
      if (this.#hidden.has(step.kind)) continue;
      if (wanted !== "") {
        const span = step.span === undefined || step.phase === undefined ? undefined : spans[step.span];
        const texts = [step.detail ?? step.text, step.phase === "end" ? span?.after : span?.before, span?.name];
        if (!texts.some((text) => text?.toLowerCase().includes(wanted))) continue;
      }
      found.push(i);
    }
    this.shown = Int32Array.from(found);
    this.#tell("filter");
  }

  #tell(why: "step" | "filter"): void {
    for (const listener of this.#listeners) listener(why);
  }
}
