import { byId, oncePerFrame } from "./dom.ts";
import { conversationView } from "./conversation-view.ts";
import { aboutView, outputView } from "./other-views.ts";
import type { Selection } from "./selection.ts";
import { stepView } from "./step-view.ts";

const VIEWS: Readonly<Record<string, (selection: Selection) => HTMLElement>> = {
  step: stepView,
  conversation: conversationView,
  output: outputView,
  about: aboutView,
};

/** The views of a step, of which one is shown; drawn anew when another step is looked at. */
export function startTabs(selection: Selection): void {
  const tabs = [...document.querySelectorAll<HTMLElement>("[role=tab]")];
  const panel = byId("panel");
  let name = "step";

  const draw = oncePerFrame(() => {
    panel.replaceChildren(VIEWS[name]!(selection));
    panel.querySelector(".call.is-current")?.scrollIntoView({ block: "nearest" });
  });
  const choose = (tab: HTMLElement): void => {
    name = tab.dataset["view"]!;
    for (const other of tabs) {
      const isChosen = other === tab;
      other.setAttribute("aria-selected", String(isChosen));
      other.tabIndex = isChosen ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", tab.id);
    panel.scrollTop = 0;
    draw();
  };
  for (const [at, tab] of tabs.entries()) {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", ({ key }) => {
      const by = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
      const next = key === "Home" ? 0 : key === "End" ? tabs.length - 1 : (at + by + tabs.length) % tabs.length;
      if (next === at) return;
      tabs[next]!.focus();
      choose(tabs[next]!);
    });
  }
  selection.onChange((why) => {
    if (why === "step") draw();
  });
  choose(tabs[0]!);
}
