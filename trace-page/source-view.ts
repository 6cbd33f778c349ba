import { h, visible } from "./dom.ts";
import type { Selection } from "./selection.ts";

/** Lines of a source that are there at a time. */
const MAX_LINES = 2_000;

/** The source, with the line that the step comes from. */
export class SourceView {
  readonly #box: HTMLElement;
  readonly #title: HTMLElement;
  readonly #selection: Selection;
  /** The steps of each line, by source and line. */
  readonly #stepsOf = new Map<string, number[]>();
  readonly #linesOf = new Map<number, string[]>();
  #shown = "";
  #current: HTMLElement | undefined;

  constructor(box: HTMLElement, title: HTMLElement, selection: Selection) {
    this.#box = box;
    this.#title = title;
    this.#selection = selection;
    const { data } = selection;
    for (let i = 0; i < data.steps.length; i++) {
      const step = data.steps[i]!;
      const place = step.place ?? (step.phase === "begin" ? data.placeOf(step) : undefined);
      if (place === undefined) continue;
      const key = `${place[0]}:${place[1]}`;
      const steps = this.#stepsOf.get(key);
      if (steps === undefined) this.#stepsOf.set(key, [i]);
      else steps.push(i);
    }
    selection.onChange((why) => {
      if (why === "step") this.#show();
    });
    this.#show();
  }

  #show(): void {
    const { data, index } = this.#selection;
    const place = data.placeOf(data.steps[index]);
    const [source, line] = place ?? [0, undefined];
    const { name, text } = data.model.sources[source] ?? { name: "?" };
    this.#title.textContent = visible(line === undefined ? name : `${name}:${line}`);
    if (text === undefined) return this.#sayNone(line);
    const lines = this.#linesOf.get(source) ?? text.split("\n");
    this.#linesOf.set(source, lines);
    const first = lines.length <= MAX_LINES ? 0 : Math.max(0, (line ?? 1) - MAX_LINES / 2);
    const key = `${source}:${first}`;
    if (key !== this.#shown) {
      this.#shown = key;
      const rows = lines.slice(first, first + MAX_LINES).map((row, at) => this.#row(source, first + at + 1, row));
      this.#box.replaceChildren(h("div", { class: "code" }, ...rows));
    }
    this.#mark(line === undefined ? undefined : line - 1 - first);
  }

  #sayNone(line: number | undefined): void {
    const { hasContents } = this.#selection.data.model;
    this.#shown = "";
    const why = hasContents
      ? "The text of this module is not in the log."
      : "The source has been left out of this page.";
    const where = line === undefined ? "" : ` The step comes from line ${line}.`;
    this.#box.replaceChildren(h("p", { class: "empty" }, why + where));
  }

  #row(source: number, number: number, text: string): HTMLElement {
    const steps = this.#stepsOf.get(`${source}:${number}`);
    const gutter =
      steps === undefined
        ? h("span", { class: "number" }, String(number))
        : h(
            "button",
            {
              type: "button",
              class: "number has-steps",
              "aria-label": `Line ${number}: next of ${steps.length} steps`,
              onclick: () => this.#goTo(steps),
            },
            String(number),
          );
    return h("div", { class: "line" }, gutter, h("span", { class: "source-text" }, visible(text)));
  }

  /** The next one after the step that is looked at, and the first one again after the last. */
  #goTo(steps: readonly number[]): void {
    const { index } = this.#selection;
    this.#selection.select(steps.find((step) => step > index) ?? steps[0]!);
  }

  #mark(at: number | undefined): void {
    this.#current?.classList.remove("is-current");
    this.#current?.removeAttribute("aria-current");
    const row = at === undefined ? undefined : (this.#box.firstElementChild?.children[at] as HTMLElement | undefined);
    this.#current = row;
    if (row === undefined) return;
    row.classList.add("is-current");
    row.setAttribute("aria-current", "true");
    const { offsetTop, offsetHeight } = row;
    const { scrollTop, clientHeight } = this.#box;
    if (offsetTop < scrollTop || offsetTop + offsetHeight > scrollTop + clientHeight)
      this.#box.scrollTop = offsetTop - clientHeight / 2;
  }
}
