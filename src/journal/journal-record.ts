import type { Source } from "../sandbox/realm.ts";
import type { Frame } from "../shared/frames.ts";

/** How many times the format of journals has changed. */
export const JOURNAL_VERSION = 4;

/** Most text of one run's journal, in bytes of UTF-8, before it is compressed. */
export const MAX_JOURNAL_BYTES = 64_000_000;

/** Most records of one run's journal, beside its beginning and its end: each that is read takes memory of its own. */
export const MAX_JOURNAL_RECORDS = 2_000_000;

/** What a run's journal was made with; what replays it has to be the same, but for the product's version. */
export interface JournalFacts {
  /** {@link JOURNAL_VERSION} of whoever wrote it. */
  format: number;
  /** Of geppetto-js. */
  product: string;
  /** SHA-256 of the guest runtime. */
  runtime: string;
  /** Major versions. */
  node: number;
  v8: number;
  isolation: "process" | "thread";
  hardening: "standard" | "strict";
  /** What local times of the script are in. */
  timeZone: string;
  /** Zone and language of the process itself, which a guest in a thread lives with. */
  hostZone: string;
  hostLocale: string;
  memoryMB: number;
  /** How much the script may print. */
  outputBytes: number;
}

/** How a run ended, beside what the log says of it. */
export interface JournalEnd {
  exitCode: number;
  /** The signal that ended it. */
  signal?: string;
  /** What else its host told of it then: plain data. */
  told?: Readonly<Record<string, unknown>>;
}

/**
 * One thing that happened at the wall between host and guest, or that the host said meanwhile, in order.
 * - entry: the host entered the guest · run: with source text
 * - call: the guest asked, and was answered · wait: it asked and waited, until the next `answer`
 * - note: it told · gate: from here on what it tells has an effect, or none
 * - said: a line of the host's own on stderr · event: one more of the logged events was told
 * - time: what follows happened then, in milliseconds since the epoch by this machine's clock; but pieces of text, whose
 *   frames say when they were made
 */
export type JournalRecord =
  | { kind: "begin"; facts: JournalFacts }
  | { kind: "entry"; frame: Frame }
  | { kind: "run"; source: Source }
  | { kind: "call"; text: string; answer: string }
  | { kind: "wait"; text: string }
  | { kind: "answer"; frame: Frame }
  | { kind: "note"; text: string }
  | { kind: "gate"; isOpen: boolean }
  | { kind: "said"; text: string }
  | { kind: "event" }
  | { kind: "time"; ms: number }
  | { kind: "end"; end: JournalEnd };

/** Hears what crosses the wall. Nothing of it throws; all of it is cheap. */
export interface JournalSink {
  /** Before anything else; `facts` are asked for when they are needed. */
  begin(facts: () => JournalFacts): void;
  entry(frame: Frame): void;
  run(source: Source): void;
  call(text: string, answer: string): void;
  wait(text: string): void;
  answer(frame: Frame): void;
  note(text: string): void;
  gate(isOpen: boolean): void;
  /** The run is over: what follows is not part of it. */
  stop(): void;
  /** The run cannot be replayed, for this reason. */
  fail(reason: string): void;
}
