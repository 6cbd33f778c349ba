import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { escapeControls } from "../base/escape-controls.ts";
import type { ServedPage, TraceModel } from "./trace-model.ts";

const DATA = "{{DATA}}";

/**
 * A run as one HTML document that needs nothing else. Whatever a script or a model has written is data in it: it stands
 * there as JSON without a character that could end the element, and the page's program makes text of it alone.
 */
export function tracePage(model: TraceModel, { served }: { served?: ServedPage } = {}): string {
  const text = template();
  const at = text.indexOf(DATA);
  const json = toSafeJson({ ...model, ...(served === undefined ? {} : { served }) });
  const head = text.slice(0, at);
  const own = served === undefined ? head : head.replace("connect-src 'none'", "connect-src 'self'");
  return `${own}${json}${text.slice(at + DATA.length)}`;
}

/** JSON that may stand in a script element, or anywhere in a document. */
function toSafeJson(value: unknown): string {
  const json = JSON.stringify(value).replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
  return escapeControls(json);
}

let known: string | undefined;

function template(): string {
  return (known ??= readFileSync(createRequire(import.meta.url).resolve("#trace-page"), "utf8"));
}
