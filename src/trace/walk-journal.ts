import type { Journal } from "../journal/read-journal.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import { FRAMES } from "../shared/contract/frame-kinds.ts";
import { OPS } from "../shared/contract/ops.ts";
import type { ErrorRecord, Outcome } from "../shared/frames.ts";
import type { StepEvent } from "../shared/step-events.ts";
import { INTERNAL_OPS, opName } from "./internal-ops.ts";
import { readFrame, showValue } from "./show-value.ts";
import { toKind } from "./to-code.ts";
import type { TraceEvents } from "./trace-events.ts";
import type { TracePlace } from "./trace-model.ts";
import type { TraceWaits } from "./trace-waits.ts";
import { beyondLine, type TraceWriter } from "./trace-writer.ts";

export interface WalkOptions {
  writer: TraceWriter;
  events: TraceEvents;
  waits: TraceWaits;
  /** The events of the run in the log, in order. */
  logged: readonly StepEvent[];
  /** Where the script asked for the record with this index. */
  placeOf(index: number): TracePlace | undefined;
  /** Milliseconds since the epoch. */
  origin: number;
}

interface Pending {
  name: string;
  span: number | undefined;
}

const CLOCK_JUMP = new RegExp(`^\\[\\d+,"${FRAMES.clock_jump.name}",([\\d.]+)`);
const REPRODUCIBLE = /"reproducible",.*"clock":\{"mode":"virtual","now":(\d+)/;
/** Names of frames stand at their beginning: most frames need not be read. */
const NAME = /^\[\d+,"([^"\\]{1,200})"/;

/** Timers by their kinds; all others are of setTimeout. */
const TIMERS: ReadonlyMap<unknown, string> = new Map([
  ["interval", "setInterval"],
  ["immediate", "setImmediate"],
]);

/** When a virtual clock began, in milliseconds since the epoch; undefined for a run in real time. */
export function virtualOrigin({ records }: Journal): number | undefined {
  for (const record of records) {
    if (record.kind === "run") return undefined;
    const found = record.kind === "entry" ? REPRODUCIBLE.exec(record.frame.text) : null;
    if (found !== null) return Number(found[1]);
  }
  return undefined;
}

/** Writes down what crossed the wall in a run, and the events that were told meanwhile. */
export function walkJournal(journal: Journal, options: WalkOptions): void {
  const walk = new Walk(journal, options);
  for (let index = 0; index < journal.records.length; index++) walk.take(journal.records[index]!, index);
  walk.finish();
}

class Walk {
  readonly #options: WalkOptions;
  readonly #isVirtual: boolean;
  readonly #calls = new Map<unknown, Pending>();
  readonly #timers = new Map<unknown, Pending>();
  #blocking: Pending | undefined;
  #now = 0;
  #nextEvent = 0;
  #hasBegun = false;
  #index = 0;

  constructor(journal: Journal, options: WalkOptions) {
    this.#options = options;
    this.#isVirtual = virtualOrigin(journal) !== undefined;
  }

  take(record: JournalRecord, index: number): void {
    this.#index = index;
    if (record.kind === "time") {
      if (!this.#isVirtual) this.#at(record.ms - this.#options.origin);
    } else if (record.kind === "said") this.#write("host", record.text);
    else if (record.kind === "event") this.#takeEvent();
    else if (record.kind === "run") this.#begin();
    else if (record.kind === "entry") this.#enter(record);
    else if (record.kind === "call") this.#ask(record.text, record.answer);
    else if (record.kind === "note") this.#ask(record.text);
    else if (record.kind === "wait") this.#wait(record.text);
    else if (record.kind === "answer") this.#answer(record);
  }

  /** Events that were told after the journal broke off. */
  finish(): void {
    const { logged } = this.#options;
    while (this.#nextEvent < logged.length) this.#takeEvent();
  }

  #at(now: number): void {
    if (now <= this.#now) return;
    this.#now = now;
    if (!this.#hasBegun) return;
    this.#options.waits.look(now, () => {
      const blocking = this.#blocking === undefined ? [] : [this.#blocking];
      const pending = [...blocking, ...this.#calls.values(), ...this.#timers.values()];
      return [...this.#options.events.underWay, ...pending.map(({ name }) => name)];
    });
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#options.writer.step("script", "the script begins", this.#now);
  }

  #write(kind: "host" | "script", text: string): void {
    const { writer } = this.#options;
    const kept = writer.content(text);
    if (kept !== undefined) writer.step(kind, kept, this.#now, { detail: beyondLine(kept) });
  }

  #takeEvent(): void {
    const event = this.#options.logged[this.#nextEvent++];
    if (event === undefined) return;
    this.#at(event.time - this.#options.origin);
    this.#options.events.add(event);
  }

  #enter({ frame }: JournalRecord & { kind: "entry" }): void {
    const name = NAME.exec(frame.text)?.[1];
    if (name === FRAMES.clock_jump.name) {
      if (this.#isVirtual) this.#at(Number(CLOCK_JUMP.exec(frame.text)?.[1] ?? 0));
    } else if (name === FRAMES.timer_fire.name) this.#fire(readFrame(frame.text)?.[2]);
    else if (name === FRAMES.call_settle.name) {
      const [, , callId, outcome] = readFrame(frame.text, frame.buffers) ?? [];
      this.#settle(this.#calls, callId, outcome, frame.text.length);
    }
  }

  #fire(id: unknown): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) return;
    if (timer.name.startsWith("setInterval")) {
      this.#options.writer.step("timer", `${timer.name} fires`, this.#now, { span: timer.span });
      return;
    }
    this.#timers.delete(id);
    this.#options.writer.end(timer.span, this.#now, { state: "ok" });
  }

  /** The guest calls an op, and is answered at once, later or never. */
  #ask(text: string, answer?: string): void {
    const name = NAME.exec(text)?.[1];
    if (name === undefined || !this.#hasBegun) return;
    if (name === OPS.op_abort.name) return this.#abort(text);
    if (INTERNAL_OPS.has(name)) return;
    const [, , args, callId] = readFrame(text) ?? [];
    const fields = (typeof args === "object" && args !== null ? args : {}) as Record<string, unknown>;
    if (this.#askOwn(name, fields)) return;
    const { writer } = this.#options;
    const before = args === undefined ? undefined : writer.content(showValue(args));
    const span = writer.begin("op", opName(name), this.#now, { before, place: this.#place() });
    if (callId !== undefined) this.#calls.set(callId, { name: opName(name), span });
    else if (answer !== undefined) this.#finish({ name, span }, readOutcome(answer), answer.length);
    else writer.end(span, this.#now, { state: "ok" });
  }

  /** What has a form of its own; says whether it was that. */
  #askOwn(name: string, fields: Readonly<Record<string, unknown>>): boolean {
    const { writer, events } = this.#options;
    switch (name) {
      case OPS.console_write.name:
        this.#print(fields);
        return true;
      case OPS.timer_start.name:
        this.#startTimer(fields);
        return true;
      case OPS.timer_clear.name: {
        const timer = this.#timers.get(fields["id"]);
        this.#timers.delete(fields["id"]);
        writer.end(timer?.span, this.#now, { state: "cancelled" });
        return true;
      }
      case OPS.run_start.name: {
        const place = this.#place();
        events.ask(showValue(fields["id"]), { input: fields["input"], ...(place === undefined ? {} : { place }) });
        return true;
      }
      case OPS.run_cancel.name:
        writer.step("script", "cancels a run", this.#now, { place: this.#place() });
        return true;
      case OPS.script_done.name:
        writer.step("script", "done()", this.#now, { place: this.#place() });
        return true;
      case OPS.script_exit.name:
        writer.step("script", `process.exit(${showValue(fields["code"])})`, this.#now, { place: this.#place() });
        return true;
      case OPS.error_report.name: {
        const { name: error, message } = fields as Partial<ErrorRecord>;
        const detail = writer.content(`${showValue(error)}: ${showValue(message)}`);
        writer.step("script", `uncaught: ${detail ?? toKind(fields)}`, this.#now, {
          state: "failed",
          detail,
          place: this.#place(),
        });
        return true;
      }
      default:
        return false;
    }
  }

  #print({ stream, text }: Readonly<Record<string, unknown>>): void {
    const { writer } = this.#options;
    const printed = typeof text === "string" ? text : "";
    const kept = writer.content(printed.replace(/\n$/, ""));
    writer.step("output", kept ?? `${printed.length} characters`, this.#now, {
      stream: stream === "stderr" ? "stderr" : "stdout",
      place: this.#place(),
      detail: beyondLine(kept),
    });
  }

  /** Weak ones are not the script's own. */
  #startTimer({ id, ms, kind }: Readonly<Record<string, unknown>>): void {
    if (kind === "weak") return;
    const named = TIMERS.get(kind) ?? "setTimeout";
    const name = kind === "immediate" ? named : `${named} ${showValue(ms)} ms`;
    const span = this.#options.writer.begin("timer", name, this.#now, { place: this.#place() });
    this.#timers.set(id, { name, span });
  }

  #abort(text: string): void {
    const [, , args] = readFrame(text) ?? [];
    const { callId } = (args ?? {}) as { callId?: unknown };
    const call = this.#calls.get(callId);
    this.#calls.delete(callId);
    this.#options.writer.end(call?.span, this.#now, { state: "cancelled" });
  }

  #wait(text: string): void {
    const name = NAME.exec(text)?.[1];
    if (name === undefined || !this.#hasBegun || INTERNAL_OPS.has(name)) return;
    const [, , args] = readFrame(text) ?? [];
    const { writer } = this.#options;
    const before = args === undefined ? undefined : writer.content(showValue(args));
    const kind = name === OPS.run_sleep.name ? "timer" : "op";
    const span = writer.begin(kind, opName(name), this.#now, { before, place: this.#place() });
    this.#blocking = { name: opName(name), span };
  }

  #answer({ frame }: JournalRecord & { kind: "answer" }): void {
    const blocking = this.#blocking;
    this.#blocking = undefined;
    if (blocking !== undefined) this.#finish(blocking, readOutcome(frame.text, frame.buffers), frame.text.length);
  }

  #settle(pending: Map<unknown, Pending>, id: unknown, outcome: unknown, length: number): void {
    const call = pending.get(id);
    pending.delete(id);
    if (call !== undefined) this.#finish(call, outcome as Outcome | undefined, length);
  }

  #finish({ span }: Pending, outcome: Outcome | undefined, length: number): void {
    const { writer } = this.#options;
    if (typeof outcome !== "object" || outcome === null) {
      return writer.end(span, this.#now, { state: "ok", after: `${length} characters that are too long to be shown` });
    }
    if (outcome.ok) {
      const { value } = outcome;
      return writer.end(span, this.#now, { state: "ok", after: writer.content(showValue(value)) });
    }
    const { name, message, code } = (outcome.error ?? {}) as Partial<ErrorRecord>;
    const title = `${showValue(name)}${code === undefined ? "" : ` [${showValue(code)}]`}: ${showValue(message)}`;
    writer.end(span, this.#now, { state: "failed", after: writer.content(title) ?? toKind({ name, code }) });
  }

  #place(): TracePlace | undefined {
    return this.#options.placeOf(this.#index);
  }
}

function readOutcome(text: string, buffers?: readonly ArrayBuffer[]): Outcome | undefined {
  // A frame is a list: read as the only entry of one.
  return readFrame(`[${text}]`, buffers)?.[0] as Outcome | undefined;
}
