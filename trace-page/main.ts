/** The page that shows a run. Its data stands in the page as JSON; nothing else is loaded. */
import { byId, h, visible } from "./dom.ts";
import { formatCost, formatMs, formatMoment } from "./format.ts";
import { listenToKeys } from "./keyboard.ts";
import { preparePrinting } from "./print-view.ts";
import { offerRunAgain } from "./run-again.ts";
import { Selection } from "./selection.ts";
import { SourceView } from "./source-view.ts";
import { StepList } from "./step-list.ts";
import { startTabs } from "./tabs.ts";
import { TimeLine } from "./time-line.ts";
import { KINDS, TraceData, type PageData } from "./trace-data.ts";

const model = JSON.parse(byId("trace-data").textContent ?? "null") as PageData;
const data = new TraceData(model);
const selection = new Selection(data);

showHead();
const list = new StepList(byId("steps"), selection);
const line = new TimeLine(byId("line"), byId<HTMLCanvasElement>("canvas"), selection);
void new SourceView(byId("source"), byId("source-title"), selection);
startTabs(selection);
startFilters();
startScrubber();
startTheme();
listenToKeys(selection, list, line);
preparePrinting(selection);
if (model.served !== undefined) offerRunAgain(data, model.served);
selectFirst();

function showHead(): void {
  const { script, state, usage, exitCode, durationMs, notes, error } = model;
  document.title = `${visible(script)} · geppetto-js trace`;
  byId("script").textContent = visible(script);
  const chip = byId("state");
  chip.textContent = state;
  chip.dataset["state"] = state;
  const facts: [string, string][] = [
    ["Time", formatMs(durationMs)],
    ["Model calls", usage.calls.toLocaleString("en-US")],
    ["Tokens in", usage.inputTokens.toLocaleString("en-US")],
    ["Tokens out", usage.outputTokens.toLocaleString("en-US")],
    ["Cost", usage.cost === undefined ? "–" : formatCost(usage.cost)],
    ["Exit code", exitCode === undefined ? "–" : String(exitCode)],
  ];
  byId("facts").append(...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
  const failure = byId("failure");
  failure.hidden = error === undefined;
  if (error !== undefined) {
    failure.append(
      h("span", {}, visible(error.title)),
      h("button", { type: "button", class: "small", onclick: selectFailure }, "Show where"),
    );
  }
  byId("notes").append(...notes.map((note) => h("li", {}, visible(note))));
  byId("notes").hidden = notes.length === 0;
}

function selectFailure(): void {
  selection.select(data.steps.length - 1);
}

function startFilters(): void {
  const counts = new Map<string, number>();
  for (const { kind } of data.steps) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const bar = byId("kinds");
  for (const [kind, name] of KINDS) {
    const count = counts.get(kind);
    if (count === undefined) continue;
    const button = h(
      "button",
      { type: "button", class: `kind-${kind}`, "aria-pressed": "true" },
      h("span", { class: "dot", "aria-hidden": "true" }),
      name,
      h("span", { class: "count" }, count.toLocaleString("en-US")),
    );
    button.addEventListener("click", () => {
      selection.toggle(kind);
      button.setAttribute("aria-pressed", String(!selection.isHidden(kind)));
    });
    bar.append(button);
  }
  const search = byId<HTMLInputElement>("search");
  let timer: number | undefined;
  search.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => selection.search(search.value), 120);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "ArrowDown") {
      event.preventDefault();
      window.clearTimeout(timer);
      selection.search(search.value);
      selection.move(1);
      byId("steps").focus();
    } else if (event.key === "Escape" && search.value !== "") {
      search.value = "";
      selection.search("");
    }
  });
  const tell = (): void => {
    byId("found").textContent =
      `${selection.shown.length.toLocaleString("en-US")} of ${data.steps.length.toLocaleString("en-US")} steps`;
  };
  selection.onChange((why) => {
    if (why === "filter") tell();
  });
  tell();
}

function startScrubber(): void {
  const scrubber = byId<HTMLInputElement>("scrubber");
  scrubber.max = String(Math.max(0, data.steps.length - 1));
  scrubber.addEventListener("input", () => selection.select(Number(scrubber.value)));
  const moves = { first: -data.steps.length, back: -1, forth: 1, last: data.steps.length };
  for (const [id, by] of Object.entries(moves)) byId(id).addEventListener("click", () => selection.move(by));
  byId("zoom-in").addEventListener("click", () => line.zoom(0.5));
  byId("zoom-out").addEventListener("click", () => line.zoom(2));
  byId("fit").addEventListener("click", () => line.fit());
  byId("open-help").addEventListener("click", () => byId<HTMLDialogElement>("help").showModal());
  byId("close-help").addEventListener("click", () => byId<HTMLDialogElement>("help").close());
  const tell = (): void => {
    const step = data.steps[selection.index];
    scrubber.value = String(selection.index);
    const text =
      step === undefined
        ? "no steps"
        : `step ${(selection.index + 1).toLocaleString("en-US")} of ${data.steps.length.toLocaleString("en-US")}, ${formatMoment(step.at)}`;
    byId("position").textContent = text;
    scrubber.setAttribute("aria-valuetext", step === undefined ? text : `${text}: ${visible(step.text)}`);
  };
  selection.onChange(tell);
  tell();
}

function startTheme(): void {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = (): boolean => (root.dataset["theme"] ?? (dark.matches ? "dark" : "light")) === "dark";
  const button = byId("theme");
  const tell = (): void => {
    button.textContent = isDark() ? "Light" : "Dark";
    line.draw();
  };
  button.addEventListener("click", () => {
    root.dataset["theme"] = isDark() ? "light" : "dark";
    tell();
  });
  dark.addEventListener("change", tell);
  tell();
}

/** A run that failed is looked at for that. */
function selectFirst(): void {
  if (model.error !== undefined) selectFailure();
}
