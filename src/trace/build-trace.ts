import type { Journal } from "../journal/read-journal.ts";
import type { LoggedItem, ModelCall, RunRecord } from "../recordings/index.ts";
import type { ErrorRecord } from "../shared/frames.ts";
import { toCode, toKind } from "./to-code.ts";
import { showContent, showValue } from "./show-value.ts";
import { TraceEvents } from "./trace-events.ts";
import type { TraceCall, TraceMessage, TraceModel, TracePlace } from "./trace-model.ts";
import { TraceWaits } from "./trace-waits.ts";
import { beyondLine, TRACE_LIMITS, type TraceLimits, TraceWriter } from "./trace-writer.ts";
import { virtualOrigin, walkJournal } from "./walk-journal.ts";

export interface TraceOptions {
  /** Events and output in the order in which they came; for a run without a journal. */
  items: readonly LoggedItem[];
  /** What crossed the wall; absent where that is not known. */
  journal?: Journal | undefined;
  /** Where the script asked for what stands at an index of the journal's records: "file:///a.js:3:5". */
  places?: ReadonlyMap<number, string> | undefined;
  /** How it was started, for people. */
  facts?: TraceModel["facts"];
  /** Further sentences about what is missing. */
  notes?: readonly string[];
  /** False: without prompts, answers, arguments, output and source. Default true. */
  contents?: boolean;
  limits?: Partial<TraceLimits>;
}

/** Most messages, texts and tool calls of one call that are shown: the last ones. */
const MAX_MESSAGES = 200;
const MAX_CALLS = 1_000;

/** What a page shows of a run. */
export function buildTrace(run: RunRecord, options: TraceOptions): TraceModel {
  const { contents: hasContents = true, journal, items, facts = [] } = options;
  const writer = new TraceWriter({ ...TRACE_LIMITS, ...options.limits }, hasContents);
  const sources = new Sources(run, hasContents ? run.source : undefined);
  const origin = (journal && virtualOrigin(journal)) ?? run.startedAt;
  const events = new TraceEvents(writer, origin, run.calls.slice(0, MAX_CALLS));
  const waits = new TraceWaits(writer, run.durationMs ?? 0);
  const placeOf = (index: number): TracePlace | undefined => sources.place(options.places?.get(index));
  if (journal === undefined) walkLog(items, writer, events);
  else walkJournal(journal, { writer, events, waits, logged: run.events, placeOf, origin });
  const isReal = origin === run.startedAt;
  const error = toError(run, sources, writer);
  const end = isReal ? Math.max(writer.last, run.durationMs ?? 0) : writer.last;
  if (run.durationMs !== undefined) {
    const isBad = run.state !== "completed";
    writer.step(
      "script",
      error === undefined ? `the script ends: ${run.state}` : `the script fails: ${error.title}`,
      end,
      {
        state: isBad ? "failed" : undefined,
        detail: error?.detail,
        place: error?.place,
      },
    );
  }
  const result = run.outcome?.text === undefined ? undefined : writer.content(run.outcome.text);
  const calls = run.calls.slice(0, MAX_CALLS).map((call) => toCall(call, origin, writer));
  const exitCode = run.exitCode ?? run.outcome?.exitCode;
  return {
    format: "geppetto-trace/1",
    id: run.id,
    script: run.script,
    state: run.state,
    startedAt: run.startedAt,
    durationMs: end,
    usage: run.usage,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(error === undefined ? {} : { error }),
    ...(result === undefined ? {} : { result }),
    facts: hasContents ? [...facts] : facts.filter(([label]) => HARMLESS.has(label)),
    notes: [...notesOf(run, options), ...(options.notes ?? []), ...writer.notes()],
    hasContents,
    sources: sources.list,
    ...writer.toModel(),
    calls,
  };
}

/** Facts that hold nothing of what a script was given. */
const HARMLESS: ReadonlySet<string> = new Set(["model", "profile", "started", "replay of", "took"]);

function notesOf(run: RunRecord, { contents, journal }: TraceOptions): string[] {
  return [
    ...(run.state === "running" ? ["This run has not ended yet: the page shows it as far as it has come."] : []),
    ...(run.state === "killed" ? ["The process of this run was killed: how it would have ended is not known."] : []),
    ...(contents === false ? ["Prompts, answers, arguments, output and source have been left out."] : []),
    ...(journal === undefined
      ? ["This run has no journal: operations and timers are not shown, and output stands where it was noted."]
      : []),
    ...(journal?.damage === undefined || run.durationMs === undefined
      ? []
      : [`The journal of this run is not whole: ${journal.damage}. What came after that is missing.`]),
    ...(run.isDamaged ? ["A part of this run in the log cannot be read."] : []),
    ...(run.droppedEvents === 0
      ? []
      : [`${run.droppedEvents.toLocaleString("en-US")} events are missing: the log keeps only so many of a run.`]),
    ...(run.droppedOutput === 0 || journal !== undefined
      ? []
      : [`${run.droppedOutput.toLocaleString("en-US")} characters of output are missing: the log keeps only so many.`]),
    ...(run.calls.length > MAX_CALLS
      ? [
          `Of ${run.calls.length.toLocaleString("en-US")} calls of models the first ${MAX_CALLS} are shown as conversations.`,
        ]
      : []),
  ];
}

/** What a log without a journal says. */
function walkLog(items: readonly LoggedItem[], writer: TraceWriter, events: TraceEvents): void {
  writer.step("script", "the script begins", 0);
  for (const item of items) {
    if ("event" in item) {
      events.add(item.event);
      continue;
    }
    for (const line of item.output.text.replace(/\n$/, "").split("\n")) {
      const kept = writer.content(line);
      writer.step("output", kept ?? `${line.length} characters`, Math.max(writer.last, 0), {
        stream: item.output.stream,
        detail: beyondLine(kept),
      });
    }
  }
}

function toCall(call: ModelCall, origin: number, writer: TraceWriter): TraceCall {
  const { kind, model, startedAt, durationMs, end, system, messages = [], texts = [], answer, usage, cost } = call;
  const all: { role: string; content: string }[] = [
    ...(system === undefined ? [] : [{ role: "system", content: system }]),
    ...messages.map(({ role, content, toolCalls = [] }) => ({
      role,
      content: [showContent(content), ...toolCalls.map(({ name, input }) => `${name}(${showValue(input)})`)]
        .filter((part) => part !== "")
        .join("\n"),
    })),
    ...texts.map((content) => ({ role: "text", content })),
  ];
  const shown = all.slice(-MAX_MESSAGES);
  const text = writer.content(answer);
  const error = call.error === undefined ? undefined : toErrorLine(call.error.code, call.error.message, writer);
  return {
    kind,
    model,
    ...(startedAt === undefined ? {} : { at: Math.max(0, startedAt - origin) }),
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(end === undefined ? {} : { end }),
    messages: shown.map(({ role, content }): TraceMessage => {
      const kept = writer.content(content);
      return { role: role.slice(0, 40), ...(kept === undefined ? { chars: content.length } : { text: kept }) };
    }),
    ...(all.length > shown.length ? { omitted: all.length - shown.length } : {}),
    toolCalls: call.toolCalls.slice(-MAX_MESSAGES).map(({ name, input, ...rest }) => {
      const shownInput = writer.content(showValue(input));
      const result = "result" in rest ? writer.content(showValue(rest.result)) : undefined;
      return {
        name: name.slice(0, 200),
        ...(shownInput === undefined ? {} : { input: shownInput }),
        ...(result === undefined ? {} : { result }),
      };
    }),
    ...(text === undefined ? {} : { answer: text }),
    ...(usage === undefined ? {} : { tokens: [usage.inputTokens, usage.outputTokens] as const }),
    ...(cost === undefined ? {} : { cost }),
    ...(call.cached ? { cached: true as const } : {}),
    ...(error === undefined ? {} : { error }),
  };
}

function toErrorLine(code: string | undefined, message: string, writer: TraceWriter): string {
  return writer.content(`${code === undefined ? "" : `[${code}] `}${message}`) ?? toCode(code) ?? "failed";
}

type PlacedError = ErrorRecord & { file?: string; line?: number; hint?: string };

function toError({ outcome, state }: RunRecord, sources: Sources, writer: TraceWriter): TraceModel["error"] {
  const error = outcome?.error ?? outcome?.unhandledErrors?.[0];
  if (error === undefined || state === "completed") return undefined;
  const { name, message, code, stack, cause, hint, file, line } = error as PlacedError;
  const whole = writer.content(
    [stack ?? `${name}: ${message}`, cause && `cause: ${cause.name}: ${cause.message}`, hint && `hint: ${hint}`]
      .filter(Boolean)
      .join("\n"),
  );
  const title = writer.content(`${name}${code === undefined ? "" : ` [${code}]`}: ${message}`);
  const place = line === undefined ? undefined : sources.lineOf(file, line);
  return {
    title: title ?? toKind(error),
    ...(whole === undefined ? {} : { detail: whole }),
    ...(place === undefined ? {} : { place }),
  };
}

/** Most sources that are told apart. */
const MAX_SOURCES = 1_000;

/** The sources that places name. Of those that a script imports only their names are known. */
class Sources {
  readonly list: TraceModel["sources"];
  readonly #own: string;

  constructor({ script }: RunRecord, text: string | undefined) {
    this.#own = script;
    this.list = [{ name: script, ...(text === undefined ? {} : { text: text.slice(0, 2_000_000) }) }];
  }

  /** Of "file:///lib/a.js:3:5". */
  place(text: string | undefined): TracePlace | undefined {
    const found = /^(?:file:\/\/\/)?(.+?):(\d{1,7})(?::\d{1,7})?$/.exec(text ?? "");
    return found === null ? undefined : this.lineOf(found[1], Number(found[2]));
  }

  lineOf(file: string | undefined, line: number): TracePlace | undefined {
    const name = decode(file ?? this.#own);
    if (name === this.#own || file === undefined) return [0, line];
    let index = this.list.findIndex((source) => source.name === name);
    if (index < 0 && this.list.length < MAX_SOURCES) index = this.list.push({ name: name.slice(0, 400) }) - 1;
    return index < 0 ? undefined : [index, line];
  }
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
