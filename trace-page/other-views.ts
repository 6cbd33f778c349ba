import { h, textBlock, visible } from "./dom.ts";
import { formatCost, formatCount, formatMs } from "./format.ts";
import type { Selection } from "./selection.ts";

/** Pieces of output that are there at a time: the last ones before the step. */
const MAX_PIECES = 1_000;

/** What the script has printed up to the step that is looked at. */
export function outputView({ data, index }: Selection): HTMLElement {
  const pieces: HTMLElement[] = [];
  for (let i = Math.min(index, data.steps.length - 1); i >= 0 && pieces.length < MAX_PIECES; i--) {
    const { kind, stream, detail, text } = data.steps[i]!;
    if (kind !== "output") continue;
    pieces.push(h("span", { class: stream === "stderr" ? "stderr" : "" }, `${visible(detail ?? text)}\n`));
  }
  if (pieces.length === 0) return h("p", { class: "empty" }, "Nothing has been printed up to this step.");
  const block = h(
    "pre",
    { tabindex: "0", role: "group", "aria-label": "Output up to this step" },
    ...pieces.toReversed(),
  );
  const isCut = data.totals(index + 1).output > pieces.length;
  return h("div", {}, isCut && h("p", { class: "hint" }, `The last ${MAX_PIECES} pieces.`), block);
}

/** How the run was started, and what became of it. */
export function aboutView({ data: { model } }: Selection): HTMLElement {
  const { id, startedAt, facts, error, result, usage, exitCode, durationMs, state } = model;
  const known = new Set(facts.map(([label]) => label));
  const all: [string, string][] = [
    ["run", id],
    ...(known.has("started") ? [] : [["started", new Date(startedAt).toISOString()] as [string, string]]),
    ["took", formatMs(durationMs)],
    ["state", state],
    ...(exitCode === undefined ? [] : [["exit code", String(exitCode)] as [string, string]]),
    ["used", usageText(usage)],
    ...facts.map(([label, value]): [string, string] => [label.trim(), value]),
  ];
  return h(
    "div",
    {},
    h(
      "dl",
      { class: "about" },
      ...all.map(([name, value]) => h("div", {}, h("dt", {}, visible(name)), h("dd", {}, visible(value)))),
    ),
    error?.detail !== undefined &&
      h("section", {}, h("h2", { class: "label" }, "Error"), textBlock(error.detail, "Error")),
    result !== undefined && h("section", {}, h("h2", { class: "label" }, "Result"), textBlock(result, "Result")),
  );
}

function usageText({ calls, inputTokens, outputTokens, cost }: Selection["data"]["model"]["usage"]): string {
  const parts = [formatCount(calls, "call"), `${(inputTokens + outputTokens).toLocaleString("en-US")} tokens`];
  if (cost !== undefined) parts.push(formatCost(cost));
  return parts.join(", ");
}
