import type { TraceCall } from "../src/trace/trace-model.ts";
import { h, textBlock, visible } from "./dom.ts";
import { formatCost, formatCount, formatMoment, formatMs } from "./format.ts";
import type { Selection } from "./selection.ts";

/** Calls that are there at a time: those around the one that is looked at. */
const MAX_CALLS = 40;

/** What was asked of models and answered, as conversations. */
export function conversationView(selection: Selection): HTMLElement {
  const { data, index } = selection;
  const { calls } = data.model;
  if (calls.length === 0) return h("p", { class: "empty" }, "This run asked no model.");
  const current = currentCall(selection);
  const first = Math.max(0, Math.min((current ?? 0) - MAX_CALLS / 2, calls.length - MAX_CALLS));
  const shown = calls.slice(first, first + MAX_CALLS);
  const at = data.steps[index]?.at ?? 0;
  return h(
    "div",
    { class: "conversation" },
    calls.length > shown.length &&
      h(
        "p",
        { class: "hint" },
        `Calls ${first + 1} to ${first + shown.length} of ${calls.length}; step on to see others.`,
      ),
    ...shown.map((call, offset) => callView(call, first + offset, { selection, current, at })),
  );
}

/** The call that the step belongs to, or the one before it. */
function currentCall({ data, index }: Selection): number | undefined {
  let span = data.spanOf(data.steps[index]);
  while (span !== undefined && span.call === undefined) {
    span = span.parent === undefined ? undefined : data.spans[span.parent];
  }
  return span?.call;
}

function callView(
  call: TraceCall,
  number: number,
  { selection, current, at }: { selection: Selection; current: number | undefined; at: number },
): HTMLElement {
  const { data } = selection;
  const span = data.spanOfCall[number]!;
  const facts = [
    call.at === undefined ? "" : formatMoment(call.at),
    call.durationMs === undefined ? "" : `took ${formatMs(call.durationMs)}`,
    call.tokens === undefined ? "" : `${call.tokens[0]} tokens in, ${call.tokens[1]} out`,
    call.cost === undefined ? "" : formatCost(call.cost),
    call.cached ? "from a cache" : (call.end ?? "has not ended"),
  ];
  return h(
    "article",
    {
      class: `call${number === current ? " is-current" : ""}${(call.at ?? 0) > at ? " is-later" : ""}`,
      "aria-label": `Call ${number + 1}`,
    },
    h("h2", {}, visible(`${number + 1}. ${call.kind} ${call.model}`)),
    h("p", { class: "hint" }, facts.filter((fact) => fact !== "").join(" · ")),
    call.omitted !== undefined && h("p", { class: "hint" }, `${formatCount(call.omitted, "earlier message")} left out`),
    ...call.messages.map(({ role, text, chars }) => bubble(role, text, chars)),
    ...call.toolCalls.map(({ name, input, result }) =>
      h(
        "div",
        { class: "bubble tool" },
        h("p", { class: "role" }, "tool · ", h("b", {}, visible(name))),
        input !== undefined && textBlock(input, `Arguments of ${name}`),
        result !== undefined && h("p", { class: "role" }, "gave"),
        result !== undefined && textBlock(result, `Result of ${name}`),
      ),
    ),
    call.answer !== undefined && bubble("answer", call.answer, undefined),
    call.error !== undefined &&
      h("div", { class: "bubble failed" }, h("p", { class: "role" }, "error"), textBlock(call.error, "Error")),
    span >= 0 &&
      h(
        "button",
        { type: "button", class: "small", onclick: () => selection.select(Math.max(0, data.begins[span]!)) },
        `To call ${number + 1} in the time line`,
      ),
  );
}

function bubble(role: string, text: string | undefined, chars: number | undefined): HTMLElement {
  const kind = ["system", "user", "assistant", "answer", "tool"].includes(role) ? role : "other";
  return h(
    "div",
    { class: `bubble ${kind}` },
    h("p", { class: "role" }, visible(role)),
    text === undefined
      ? h("p", { class: "empty" }, `${formatCount(chars ?? 0, "character")}, left out of this page`)
      : textBlock(text, role),
  );
}
