import { byId, h, visible } from "./dom.ts";
import { formatCount, formatMoment } from "./format.ts";
import { aboutView } from "./other-views.ts";
import type { Selection } from "./selection.ts";

/** Most lines on paper. */
const MAX_ROWS = 2_000;

/** On paper there is no scrolling: the facts, and the steps that are shown, as a table. */
export function preparePrinting(selection: Selection): void {
  const target = byId("print");
  window.addEventListener("beforeprint", () => target.replaceChildren(paper(selection)));
  window.addEventListener("afterprint", () => target.replaceChildren());
}

function paper(selection: Selection): HTMLElement {
  const { data, shown } = selection;
  const rows = [...shown.subarray(0, MAX_ROWS)].map((index) => {
    const { at, kind, text, phase, state, detail } = data.steps[index]!;
    const what = [phase === undefined ? "" : phase === "begin" ? "begins" : "ends", state ?? ""].join(" ").trim();
    return h(
      "tr",
      {},
      h("td", {}, formatMoment(at)),
      h("td", {}, kind),
      h("td", {}, visible(detail ?? text), what !== "" && ` (${what})`),
    );
  });
  const left = shown.length - rows.length;
  return h(
    "div",
    {},
    aboutView(selection),
    h("h2", {}, "Steps"),
    h("table", {}, h("tbody", {}, ...rows)),
    left > 0 && h("p", {}, `${formatCount(left, "further step")} left out: filter them to print others.`),
  );
}
