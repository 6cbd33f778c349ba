import { createHash } from "node:crypto";
import type { RunSummary } from "../../index.ts";
import { describeDuration, describeState, formatTime } from "../runs/describe-run.ts";

const STYLE = `
:root{color-scheme:light dark;font:14px/1.5 system-ui,sans-serif;--border:#d5dbe1;--muted:#56616d;--link:#0a58b5}
@media(prefers-color-scheme:dark){:root{--border:#2c343e;--muted:#9aa6b3;--link:#74b3ff;background:#0d1117;color:#e6ebf1}}
body{max-width:900px;margin:24px auto;padding:0 16px}h1{font-size:20px}a{color:var(--link)}
table{border-collapse:collapse;width:100%}th{color:var(--muted);font-weight:600;font-size:12.5px}
td,th{text-align:left;padding:6px 14px 6px 0;border-bottom:1px solid var(--border);overflow-wrap:anywhere}
.scrolls{overflow-x:auto}`;

const HASH = createHash("sha256").update(STYLE).digest("base64");

/** The latest runs as a page, each with the address of its own. */
export function runsPage(runs: readonly RunSummary[]): string {
  const rows = runs.map((run) => {
    const cells = [formatTime(run.startedAt), describeState(run), describeDuration(run) ?? "", `${run.usage.calls}`];
    const name = `<a href="runs/${escapeMarkup(run.id)}">${escapeMarkup(run.script)}</a>`;
    return `<tr><td>${name}</td>${cells.map((cell) => `<td>${escapeMarkup(cell)}</td>`).join("")}</tr>`;
  });
  const none = "<p>No run is in the log yet.</p>";
  const head = ["Script", "When", "State", "Duration", "Calls"].map((name) => `<th scope="col">${name}</th>`).join("");
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>Runs · geppetto-js</title><style>${STYLE}</style></head>
<body><main><h1>Runs</h1>${
    rows.length === 0
      ? none
      : `<div class="scrolls" tabindex="0" role="group" aria-label="Runs"><table><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`
  }</main></body></html>
`;
}

/** What such a page may do: look as it does. */
runsPage.policy = `default-src 'none'; style-src 'sha256-${HASH}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const UNSEEN = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function escapeMarkup(text: string): string {
  return text
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(UNSEEN, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
