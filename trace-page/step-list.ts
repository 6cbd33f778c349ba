import { h, oncePerFrame, visible } from "./dom.ts";
import { formatMoment, formatMs } from "./format.ts";
import type { Selection } from "./selection.ts";
import { KINDS } from "./trace-data.ts";

const ROW_HEIGHT = 28;
/** Rows beyond both ends of what is seen. */
const SPARE = 8;
const NAMES = new Map(KINDS);
const SINGULAR: Readonly<Record<string, string>> = {
  run: "Run",
  event: "Event",
  tool: "Tool",
  op: "Operation",
  timer: "Timer",
  host: "Notice",
};

/** What happened, line by line. However long a run is, only the rows that are seen are there. */
export class StepList {
  readonly #box: HTMLElement;
  readonly #rows: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #selection: Selection;
  readonly #draw = oncePerFrame(() => this.#drawNow());

  constructor(box: HTMLElement, selection: Selection) {
    this.#box = box;
    this.#selection = selection;
    this.#rows = h("div", { class: "rows", role: "presentation" });
    this.#empty = h("p", { class: "empty", role: "option", "aria-disabled": "true", "aria-selected": "false" });
    box.append(this.#rows, this.#empty);
    box.addEventListener("scroll", () => this.#draw(), { passive: true });
    box.addEventListener("click", (event) => this.#onClick(event));
    new ResizeObserver(() => this.#draw()).observe(box);
    selection.onChange(() => {
      this.#reveal();
      this.#draw();
    });
    this.#draw();
  }

  /** How many rows a page has. */
  get page(): number {
    return Math.max(1, Math.floor(this.#box.clientHeight / ROW_HEIGHT) - 1);
  }

  #onClick(event: Event): void {
    const row = (event.target as Element).closest<HTMLElement>("[data-index]");
    if (row !== null) this.#selection.select(Number(row.dataset["index"]));
  }

  #reveal(): void {
    const top = this.#selection.position() * ROW_HEIGHT;
    const { scrollTop, clientHeight } = this.#box;
    if (top < scrollTop) this.#box.scrollTop = top - ROW_HEIGHT;
    else if (top + ROW_HEIGHT > scrollTop + clientHeight) this.#box.scrollTop = top - clientHeight + 2 * ROW_HEIGHT;
  }

  #drawNow(): void {
    const { shown, data } = this.#selection;
    const { scrollTop, clientHeight } = this.#box;
    const first = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT) - SPARE);
    const last = Math.min(shown.length, Math.ceil((scrollTop + clientHeight) / ROW_HEIGHT) + SPARE);
    const rows: HTMLElement[] = [];
    for (let at = first; at < last; at++) rows.push(this.#row(shown[at]!, at));
    this.#rows.style.height = `${shown.length * ROW_HEIGHT}px`;
    this.#rows.replaceChildren(...rows);
    this.#empty.textContent =
      shown.length > 0
        ? ""
        : data.steps.length === 0
          ? "Nothing is known of what this run did."
          : "No step fits. Change the text or the kinds above.";
    this.#empty.hidden = shown.length > 0;
    this.#tellActive();
  }

  #tellActive(): void {
    const id = `step-${this.#selection.index}`;
    const { shown } = this.#selection;
    const isThere = document.getElementById(id) !== null && shown[this.#selection.position()] === this.#selection.index;
    if (isThere) this.#box.setAttribute("aria-activedescendant", id);
    else this.#box.removeAttribute("aria-activedescendant");
  }

  #row(index: number, at: number): HTMLElement {
    const { data, shown, index: selected } = this.#selection;
    const step = data.steps[index]!;
    const span = data.spanOf(step);
    const isWait = step.kind === "wait";
    const mark = isWait ? "" : step.phase === "begin" ? "▸" : step.phase === "end" ? "◂" : "";
    const length = isWait && span?.end !== undefined ? `${formatMs(span.end - span.start)}, ` : "";
    const row = h(
      "div",
      {
        class: `row kind-${step.kind}${step.state === undefined ? "" : ` is-${step.state}`}`,
        role: "option",
        id: `step-${index}`,
        "data-index": String(index),
        "aria-selected": String(index === selected),
        "aria-posinset": String(at + 1),
        "aria-setsize": String(shown.length),
      },
      h("span", { class: "moment" }, formatMoment(step.at)),
      h("span", { class: "kind" }, SINGULAR[step.kind] ?? NAMES.get(step.kind) ?? step.kind),
      h("span", { class: "mark", "aria-hidden": "true" }, mark),
      h(
        "span",
        { class: "text" },
        length,
        visible(step.text),
        step.phase !== undefined &&
          !isWait &&
          h("span", { class: "unseen" }, step.phase === "begin" ? ", begins" : ", ends"),
        step.state !== undefined && h("span", { class: "state" }, step.state),
      ),
    );
    row.style.top = `${at * ROW_HEIGHT}px`;
    row.style.setProperty("--depth", String(data.depth(step)));
    return row;
  }
}
