import { byId, h, textBlock, visible } from "./dom.ts";
import type { ServedPage } from "../src/trace/trace-model.ts";
import type { TraceData } from "./trace-data.ts";

/** What a server answers to a changed script. */
interface Answer {
  exitCode?: number;
  runId?: string;
  stdout?: string;
  stderr?: string;
  error?: string;
}

/** "Edit and run again": a changed script on the answers that this run got. */
export function offerRunAgain(data: TraceData, { runAgain, runs }: ServedPage): void {
  const dialog = byId<HTMLDialogElement>("run-again");
  const editor = byId<HTMLTextAreaElement>("editor");
  const outcome = byId("outcome");
  const go = byId<HTMLButtonElement>("run-now");
  const open = byId<HTMLButtonElement>("edit");
  open.hidden = false;
  editor.value = data.model.sources[0]?.text ?? "";
  open.addEventListener("click", () => dialog.showModal());
  byId("close-editor").addEventListener("click", () => dialog.close());
  go.addEventListener("click", () => void run());
  editor.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void run();
  });

  async function run(): Promise<void> {
    if (go.disabled) return;
    go.disabled = true;
    outcome.replaceChildren(h("p", { class: "hint" }, "Running on the recorded answers …"));
    const answer = await send(runAgain, editor.value);
    outcome.replaceChildren(...describe(answer, runs));
    go.disabled = false;
  }
}

async function send(address: string, source: string): Promise<Answer> {
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ source }),
    });
    return (await response.json()) as Answer;
  } catch {
    return { error: "The server does not answer: has geppetto-js runs serve ended?" };
  }
}

function describe({ error, exitCode, runId, stdout, stderr }: Answer, runs: string): (HTMLElement | string)[] {
  if (error !== undefined) return [h("p", { class: "failure" }, visible(error))];
  const isGood = exitCode === 0;
  return [
    h("p", isGood ? {} : { class: "failure" }, isGood ? "It ran to its end." : `It ended with exit code ${exitCode}.`),
    ...(stdout === undefined || stdout === "" ? [] : [h("h3", {}, "Printed"), textBlock(stdout, "Printed")]),
    ...(stderr === undefined || stderr === "" ? [] : [h("h3", {}, "Said"), textBlock(stderr, "Said")]),
    ...(runId === undefined
      ? []
      : [h("p", {}, h("a", { href: `${runs}${encodeURIComponent(runId)}` }, "Look at this run"))]),
  ];
}
