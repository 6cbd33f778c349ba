import { byId } from "./dom.ts";
import type { Selection } from "./selection.ts";
import type { StepList } from "./step-list.ts";
import type { TimeLine } from "./time-line.ts";

/** Keys that work wherever nothing else takes them. */
export function listenToKeys(selection: Selection, list: StepList, line: TimeLine): void {
  const keys: Readonly<Record<string, () => void>> = {
    ArrowDown: () => selection.move(1),
    ArrowRight: () => selection.move(1),
    ArrowUp: () => selection.move(-1),
    ArrowLeft: () => selection.move(-1),
    PageDown: () => selection.move(list.page),
    PageUp: () => selection.move(-list.page),
    Home: () => selection.move(-selection.shown.length),
    End: () => selection.move(selection.shown.length),
    "+": () => line.zoom(0.5),
    "-": () => line.zoom(2),
    "0": () => line.fit(),
    "[": () => jump(selection, "begins"),
    "]": () => jump(selection, "ends"),
    "/": () => byId("search").focus(),
    "?": () => byId<HTMLDialogElement>("help").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") !== null) return;
    const action = keys[event.key];
    if (action === undefined || isTaken(event)) return;
    event.preventDefault();
    action();
  });
}

/** Does what has the focus use this key itself? */
function isTaken({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement && target.type === "range") return /^(Arrow|Page|Home|End)/.test(key);
  if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return true;
  if (target.getAttribute("role") === "tab") return /^(Arrow|Home|End)/.test(key);
  return /^(Arrow|Page|Home|End)/.test(key) && target.closest("pre, .scrolls") !== null;
}

function jump(selection: Selection, to: "begins" | "ends"): void {
  const { data, index } = selection;
  const span = data.steps[index]?.span;
  const target = span === undefined ? -1 : data[to][span]!;
  if (target >= 0) selection.select(target);
}
