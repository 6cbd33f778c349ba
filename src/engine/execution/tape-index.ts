import type { ExecutionRecord } from "../../journal/executions/journal.ts";
import { FRAMES, type ExecutionBegin } from "../../shared/contract/frame-kinds.ts";
import { OPS } from "../../shared/contract/ops.ts";
import { DELIVERY, type RunStart } from "../../shared/contract/runs.ts";
import { decodeValue } from "../../shared/decode.ts";
import { FRAME_VERSION, type Frame } from "../../shared/frames.ts";
import { isClockNote, readsIn } from "../journal/replayed-entries.ts";
import { OutsideAnswers } from "./outside-answers.ts";
import { readCall, readIntent, readPart, readTurn, RECORDS, toFrame } from "./tape-record.ts";

/** What the guest said then. */
export type Said =
  | { kind: "note"; text: string }
  | { kind: "call"; text: string; answer: string }
  /** Without a reply where the guest still waited. */
  | { kind: "wait"; text: string; reply: Frame | undefined };

/** What is on record of an execution, looked up while it is brought back. */
export class TapeIndex {
  readonly records: readonly ExecutionRecord[];
  /** What the guest said, but for what its clock read, in order. */
  readonly said: Said[] = [];
  /** What its clock read. */
  readonly reads: unknown[] = [];
  /** How many entries are over. */
  turns = 0;
  /** Those in which something was thrown that nobody caught, by their places. */
  readonly failedTurns = new Set<number>();
  /** The highest number of a question. */
  lastNumber = 0;
  readonly #outside = new Map<string, OutsideAnswers>();

  /** @param records those after the beginning, or after the last checkpoint */
  constructor(records: readonly ExecutionRecord[]) {
    this.records = records;
    for (const [place, record] of records.entries()) this.#add(record, place);
    this.#judgeInterrupted();
  }

  /** Nothing has gone into the guest. */
  get isEmpty(): boolean {
    return !this.records.some(({ kind }) => kind === RECORDS.deliver);
  }

  /** The number of the attempt that began the script. */
  get firstAttempt(): number {
    for (const { kind, text } of this.records) {
      if (kind === RECORDS.deliver) return (JSON.parse(text) as [0, 0, 0, 0, ExecutionBegin])[4].attempt;
    }
    return 1;
  }

  /** What came of what was asked for under this key; undefined where it was not asked, as far as is known. */
  outside(key: string): OutsideAnswers | undefined {
    return this.#outside.get(key);
  }

  #add(record: ExecutionRecord, place: number): void {
    switch (record.kind) {
      case RECORDS.call: {
        const { text, answer } = readCall(record);
        if (isClockNote(text)) this.reads.push(...readsIn(text));
        else this.said.push({ kind: "call", text, answer });
        return;
      }
      case RECORDS.note:
      case RECORDS.output:
        if (isClockNote(record.text)) this.reads.push(...readsIn(record.text));
        else this.said.push({ kind: "note", text: record.text });
        return;
      case RECORDS.wait:
        this.said.push({ kind: "wait", text: record.text, reply: undefined });
        return;
      case RECORDS.reply: {
        const last = this.said.findLast(({ kind }) => kind === "wait") as (Said & { kind: "wait" }) | undefined;
        if (last !== undefined) last.reply = toFrame(record);
        return;
      }
      case RECORDS.turn:
        if (readTurn(record) !== undefined) this.failedTurns.add(this.turns);
        this.turns++;
        return;
      case RECORDS.intent: {
        const { key } = readIntent(record);
        this.#answersOf(key).begin();
        return;
      }
      case RECORDS.answer: {
        const { key, part } = readPart(record);
        if (part.type === "asked") this.lastNumber = Math.max(this.lastNumber, part.number);
        this.#answersOf(key).add(part, place);
      }
    }
  }

  #answersOf(key: string): OutsideAnswers {
    const known = this.#outside.get(key);
    if (known !== undefined) return known;
    const made = new OutsideAnswers();
    this.#outside.set(key, made);
    return made;
  }

  /** Of values that broke off: has the guest seen something of the run that they are for since they began? */
  #judgeInterrupted(): void {
    for (const [key, answers] of this.#outside) {
      if (answers.isWhole || answers.firstItemAt === undefined) continue;
      const said = this.said[Number(key.split(".")[0]) - 1];
      const watched = said === undefined ? undefined : this.#watchersOf(said.text);
      answers.isShown =
        watched === undefined ||
        this.#hasShown(watched, answers.firstItemAt) ||
        this.#hasCalled(startOf(said!.text).id, answers.firstItemAt);
    }
  }

  /** The run that this message has started, and those that pass its pieces on; only those whose events are seen. */
  #watchersOf(text: string): Set<string> | undefined {
    if (!text.startsWith(RUN_START)) return undefined;
    const watchers = new Set<string>();
    let start: RunStart | undefined = startOf(text);
    while (start !== undefined) {
      if (start.delivery === DELIVERY.every || start.delivery === DELIVERY.pulled) watchers.add(start.id);
      const { parent, forwards, isUndecided }: RunStart = start;
      start = forwards === true || isUndecided === true ? this.#startOfRun(parent) : undefined;
    }
    return watchers;
  }

  #startOfRun(id: string | undefined): RunStart | undefined {
    if (id === undefined) return undefined;
    const said = this.said.find(({ text }) => text.startsWith(RUN_START) && text.includes(`"id":"${id}"`));
    return said && startOf(said.text);
  }

  /** Has the run called a function of the guest's since? What is asked for may have led to that. */
  #hasCalled(id: string, from: number): boolean {
    const call = `${RUN_CALL}${JSON.stringify(id)},`;
    return this.records.slice(from).some(({ kind, text }) => kind === RECORDS.deliver && text.startsWith(call));
  }

  #hasShown(runs: ReadonlySet<string>, from: number): boolean {
    for (let at = from; at < this.records.length; at++) {
      const { kind, text } = this.records[at]!;
      if (kind !== RECORDS.deliver || !text.startsWith(EVENT)) continue;
      const [, , id, event] = JSON.parse(text) as [unknown, unknown, string, { type: string }];
      if (runs.has(id) && event.type !== "start") return true;
    }
    return false;
  }
}

const RUN_START = `[${FRAME_VERSION},"${OPS.run_start.name}",`;
const RUN_CALL = `[${FRAME_VERSION},"${FRAMES.run_call.name}",`;
const EVENT = `[${FRAME_VERSION},"${FRAMES.event_deliver.name}",`;

function startOf(text: string): RunStart {
  return (decodeValue(text) as [unknown, unknown, RunStart])[2];
}
