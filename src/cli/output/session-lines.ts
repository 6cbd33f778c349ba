import type { ScriptOptions } from "../options/script-options.ts";
import { formatDuration } from "../options/quantities.ts";
import type { SessionSettings } from "../options/load-settings.ts";
import type { limitsOf } from "../options/load-settings.ts";
import type { StepEvent } from "../../index.ts";
import type { Terminal } from "./terminal.ts";
import { toJson } from "./to-json.ts";
import type { EventLog } from "../session/event-log.ts";

/** What `--verbose` says when a script begins. */
export function startLine(
  label: string,
  { settings, profile }: Pick<SessionSettings, "settings" | "profile">,
  { memoryMB, wallMs }: ReturnType<typeof limitsOf>,
  untrusted: boolean | undefined,
): string {
  const { chat, isolation = "process" } = settings;
  const { provider, model = provider === "embedded" ? "demo" : "its default model" } = chat;
  const from = profile === undefined ? "" : ` of profile ${profile}`;
  return `${label}: ${provider}:${model}${from}, ${untrusted ? "strict " : ""}${isolation} isolation, ${memoryMB} MB, ${formatDuration(wallMs)}`;
}

/** Tells of an event where the options want that: in a file, on stderr, in a line of `--verbose`. */
export function tellEvent(
  event: StepEvent,
  { events, verbose }: Pick<ScriptOptions, "events" | "verbose">,
  terminal: Terminal,
  log: EventLog | undefined,
): void {
  if (log !== undefined) log.write(event);
  else if (events !== undefined) terminal.note(toJson(event));
  if (!verbose || event.type === "partial") return;
  const { type, step, meta } = event;
  const engine = meta.engine === "" ? "" : ` (${meta.engine})`;
  const { durationMs } = step.metadata;
  const time = durationMs === undefined ? "" : ` after ${durationMs} ms`;
  terminal.note(`${step.type}${engine} ${step.stepId.slice(0, 8)}: ${type}${time}`);
}
