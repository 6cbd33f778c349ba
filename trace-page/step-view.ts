import type { TraceSpan, TraceStep } from "../src/trace/trace-model.ts";
import { h, textBlock, visible } from "./dom.ts";
import { formatCost, formatMoment, formatMs } from "./format.ts";
import type { Selection } from "./selection.ts";
import type { TraceData } from "./trace-data.ts";

const KIND_NAMES: Readonly<Record<string, string>> = {
  script: "Script",
  run: "Run of a step",
  event: "Event",
  tool: "Tool call",
  op: "Operation",
  timer: "Timer",
  wait: "Waiting",
  output: "Output",
  host: "Notice of the host",
};

/** The step that is looked at: what was asked and what came of it. */
export function stepView(selection: Selection): HTMLElement {
  const { data, index } = selection;
  const step = data.steps[index];
  if (step === undefined) return h("p", { class: "empty" }, "Nothing is known of what this run did.");
  const span = data.spanOf(step);
  return h(
    "div",
    { class: "step" },
    h("p", { class: `eyebrow kind-${step.kind}` }, KIND_NAMES[step.kind] ?? step.kind),
    h("h2", {}, visible(titleOf(step, span))),
    facts(data, step, span),
    span !== undefined && span.kind !== "wait" && jumps(selection, step),
    step.kind === "event" && step.span !== undefined
      ? h("section", {}, h("h3", {}, "The text so far"), textBlock(data.textUntil(step.span, index), "The text so far"))
      : step.detail !== undefined && h("section", {}, h("h3", {}, "Text"), textBlock(step.detail, "Text")),
    span !== undefined && span.kind !== "wait" && beforeAndAfter(data, step.span!, span, step),
  );
}

function titleOf(step: TraceStep, span: TraceSpan | undefined): string {
  if (span === undefined || span.kind === "wait") return step.text;
  if (step.phase === "begin") return `${span.name} begins`;
  if (step.phase === "end") return `${span.name} ends`;
  return step.kind === "timer" ? step.text : `${span.name}: ${step.kind}`;
}

function facts(data: TraceData, step: TraceStep, span: TraceSpan | undefined): HTMLElement {
  const list: [string, string][] = [["At", formatMoment(step.at)]];
  if (span !== undefined) {
    list.push(["Took", span.end === undefined ? "it has no end" : formatMs(span.end - span.start)]);
    if (span.kind !== "wait") list.push(["State", span.state === "open" ? "not ended" : span.state]);
    if (span.tokens !== undefined) list.push(["Tokens", `${span.tokens[0]} in, ${span.tokens[1]} out`]);
    if (span.cost !== undefined) list.push(["Cost", formatCost(span.cost)]);
  }
  if (step.stream !== undefined) list.push(["Stream", step.stream]);
  const place = data.placeOf(step);
  if (place !== undefined) list.push(["Source", `${data.model.sources[place[0]]?.name ?? "?"}:${place[1]}`]);
  return h(
    "dl",
    { class: "facts" },
    ...list.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, visible(value)))),
  );
}

function jumps(selection: Selection, { span, phase }: TraceStep): HTMLElement {
  const { data } = selection;
  const parent = data.spans[span!]!.parent;
  const to = (label: string, index: number | undefined): HTMLElement | false =>
    index !== undefined &&
    index >= 0 &&
    h("button", { type: "button", class: "small", onclick: () => selection.select(index) }, label);
  return h(
    "div",
    { class: "jumps" },
    phase !== "begin" && to("To its beginning", data.begins[span!]),
    phase !== "end" && to("To its end", data.ends[span!]),
    parent !== undefined && to("To what it is part of", data.begins[parent]),
  );
}

function beforeAndAfter(data: TraceData, index: number, span: TraceSpan, step: TraceStep): HTMLElement {
  const isOver = span.end !== undefined;
  const before = data.totals(data.begins[index]!);
  const after = data.totals(isOver ? data.ends[index]! + 1 : data.steps.length);
  const isTimer = span.kind === "timer";
  const nothing = (what: string): HTMLElement =>
    h("p", { class: "empty" }, data.model.hasContents ? what : "Left out of this page.");
  const body = (text: string | undefined, label: string, none: string): HTMLElement =>
    text === undefined ? nothing(none) : textBlock(text, label);
  return h(
    "div",
    { class: "before-after" },
    h(
      "section",
      { class: step.phase === "begin" ? "is-now" : "" },
      h("h3", {}, "Before"),
      !isTimer && body(span.before, "What was asked", "It was asked nothing."),
      totalsList(before),
    ),
    h(
      "section",
      { class: step.phase === "end" ? "is-now" : "" },
      h("h3", {}, "After"),
      !isTimer && body(span.after, "What came of it", isOver ? "It gave nothing." : "It has not ended."),
      isOver && totalsList(after, before),
    ),
  );
}

function totalsList(now: ReturnType<TraceData["totals"]>, then?: ReturnType<TraceData["totals"]>): HTMLElement {
  const line = (name: string, value: string, isChanged: boolean): HTMLElement =>
    h("div", isChanged ? { class: "is-changed" } : {}, h("dt", {}, name), h("dd", {}, value));
  return h(
    "dl",
    { class: "totals" },
    line("Under way", String(now.underWay), then !== undefined && then.underWay !== now.underWay),
    line("Tokens so far", now.tokens.toLocaleString("en-US"), then !== undefined && then.tokens !== now.tokens),
    now.cost > 0 ? line("Cost so far", formatCost(now.cost), then !== undefined && then.cost !== now.cost) : "",
    line("Printed so far", String(now.output), then !== undefined && then.output !== now.output),
  );
}
