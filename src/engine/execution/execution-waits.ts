import { currentOutside, type AskedOutside } from "../../base/calls/outside.ts";
import { timeSource } from "../../base/time/time-source.ts";
import { PersonWaits } from "../../base/calls/person-waits.ts";
import type {
  Answer,
  ExecutionChange,
  ExecutionMessage,
  NumberedMessage,
  Waiting,
} from "../../journal/executions/journal.ts";
import { requireYesOrNo } from "../../journal/executions/execution-errors.ts";
import { encodeValue } from "../../shared/codec.ts";
import { GeppettoError, toErrorRecord } from "../../shared/errors.ts";
import { DueTimes } from "./due-times.ts";
import { fromPart, type Ambiguity, type OutsideKeeper } from "./outside-keeper.ts";
import type { OutsideAnswers } from "./outside-answers.ts";
import type { OutsidePart } from "./tape-record.ts";

/** What a script waits for: until a time, for what somebody sends, or for somebody's consent. */
export type WaitRequest =
  | { kind: "sleep"; ms: number }
  | { kind: "receive"; name: string; ms?: number }
  | { kind: "approve"; question: string; data?: unknown; ms?: number };

/** What somebody has said to a question. */
export interface Consent {
  approved: boolean;
  by: string;
  note?: string;
  /** When, in ISO 8601. */
  at: string;
}

interface OpenWait {
  waiting: Waiting;
  settle(part: OutsidePart, taken: readonly number[]): void;
}

type AnswerMessage = Extract<ExecutionMessage, { kind: "approve" | "resolve" }>;

interface Sent {
  payload: unknown;
  number: number | undefined;
}

/** What the execution of a script waits for, and what it is told. */
export class ExecutionWaits {
  readonly #open = new Map<number, OpenWait>();
  readonly #sent = new Map<string, Sent[]>();
  /** What was said to questions that are not open, or not yet: by their numbers. */
  readonly #answers = new Map<number, { message: AnswerMessage; number: number | undefined }>();
  readonly #keeper: OutsideKeeper | undefined;
  readonly #onQuestion: (waiting: Waiting) => void;
  readonly #change: (change: ExecutionChange) => void;
  readonly #parked: <T>(wait: () => Promise<T>) => Promise<T>;
  readonly #personWaits: PersonWaits;
  readonly #dueTimes: DueTimes;
  #lastNumber: number;

  /**
   * @param keeper of an execution that lasts
   * @param onQuestion hears what is asked of somebody
   */
  constructor(
    keeper: OutsideKeeper | undefined,
    options: {
      lastNumber: number;
      onQuestion?: (waiting: Waiting) => void;
      change?: (change: ExecutionChange) => void;
      /** Waits without counting as work of the host's. */
      parked?: <T>(wait: () => Promise<T>) => Promise<T>;
      /** Hears when somebody is waited for. */
      personWaits?: PersonWaits;
    },
  ) {
    this.#keeper = keeper;
    this.#lastNumber = options.lastNumber;
    this.#dueTimes = new DueTimes((number) => this.#timeIsUp(number), keeper !== undefined);
    this.#onQuestion = options.onQuestion ?? (() => {});
    this.#change = options.change ?? (() => {});
    this.#parked = options.parked ?? ((wait) => wait());
    this.#personWaits = options.personWaits ?? new PersonWaits();
  }

  /** The first that was asked for first. */
  get waitsFor(): Waiting[] {
    return [...this.#open.values()].map(({ waiting }) => waiting).sort((a, b) => a.number - b.number);
  }

  get lastNumber(): number {
    return this.#lastNumber;
  }

  /** Waits for something of a script's. Rejects with a TimeoutError when its time is up, or with the signal's reason. */
  wait(request: WaitRequest, signal: AbortSignal): Promise<unknown> {
    if (request.kind === "sleep") {
      // Where time is virtual it passes for this, too; an execution that lasts sleeps on, whatever becomes of its process.
      const time = timeSource();
      if (this.#keeper === undefined && time.isVirtual) return time.sleep(request.ms, signal);
      return this.#wait(request, signal);
    }
    return this.#personWaits.during(() => this.#wait(request, signal));
  }

  async #wait(request: WaitRequest, signal: AbortSignal): Promise<unknown> {
    const keeper = this.#keeper;
    const key = keeper === undefined ? "" : (currentOutside()?.nextKey() ?? "");
    const then = keeper?.answers(key);
    if (then?.isWhole === true) return fromPart(await then.next());
    await keeper?.atEnd;
    signal.throwIfAborted();
    const { ms, ...facts } = request;
    const asked = then?.asked;
    const number = asked?.number ?? ++this.#lastNumber;
    const dueAt = asked === undefined ? (ms === undefined ? undefined : Date.now() + ms) : asked.dueAt;
    const waiting: Waiting = { ...facts, number, ...(dueAt === undefined ? {} : { dueAt }) };
    const answered = this.#add(waiting, key, signal);
    if (asked === undefined) {
      const due = dueAt === undefined ? {} : { dueAt, ms: ms! };
      keeper?.keep(key, { type: "asked", number, ...due }, { waitsFor: this.waitsFor });
    }
    if (dueAt !== undefined) this.#dueTimes.add(number, dueAt, asked?.ms ?? ms!);
    if (waiting.kind === "approve") this.#onQuestion(waiting);
    if (waiting.kind === "receive") this.#deliver(waiting.name!);
    this.#settleAnswered(number);
    return fromPart(await this.#parked(() => answered));
  }

  /** What is to become of a call whose answer nobody knows: whatever somebody says. */
  async ambiguous(key: string, call: AskedOutside, open: OutsideAnswers["asked"]): Promise<Ambiguity> {
    const { name, args } = call;
    const number = open?.number ?? ++this.#lastNumber;
    const waiting: Waiting = { kind: "ambiguous", number, name, ...(args === undefined ? {} : { data: shown(args) }) };
    const answered = this.#add(waiting, key);
    if (open === undefined) this.#keeper?.keep(key, { type: "asked", number }, { waitsFor: this.waitsFor });
    this.#settleAnswered(number);
    return fromPart(await answered) as Ambiguity;
  }

  /** The same, of one that cannot wait: undefined where nobody has said anything before this attempt began. */
  ambiguousNow(key: string, call: AskedOutside, open: OutsideAnswers["asked"]): Ambiguity | undefined {
    const said = this.#answers.get(open?.number ?? 0);
    if (said?.message.kind !== "resolve") {
      void this.ambiguous(key, call, open);
      return undefined;
    }
    this.#answers.delete(open!.number);
    if (said.number !== undefined) this.#change({ taken: [said.number] });
    return said.message.how;
  }

  /** What was said before this attempt began. */
  expect(messages: readonly NumberedMessage[]): void {
    for (const { number, message } of messages) {
      if (message.kind === "resolve") this.#answers.set(message.question, { message, number });
    }
  }

  /** Calls whose answers nobody knows, and about which nobody has said anything. */
  get ambiguities(): number {
    return this.waitsFor.filter(({ kind }) => kind === "ambiguous").length;
  }

  /** Somebody has said something to the execution; the number is that of the message, where it has one. */
  tell(message: Exclude<ExecutionMessage, { kind: "cancel" }>, number?: number): void {
    if (message.kind === "send") {
      const { name, payload } = message;
      const sent = this.#sent.get(name) ?? [];
      sent.push({ payload, number });
      this.#sent.set(name, sent);
      this.#deliver(name);
      return;
    }
    this.#answers.set(message.question, { message, number });
    this.#settleAnswered(message.question);
  }

  /** What was said in time has been heard: from here on times are up. */
  start(): void {
    this.#dueTimes.start();
  }

  /** Nobody waits any more. */
  end(): void {
    this.#dueTimes.clear();
  }

  /**
   * Answers a question.
   *
   * @throws {GeppettoError} where nobody has asked, or several have and the answer does not say which it is for.
   */
  answer({ question, approved, by, note }: Answer): void {
    requireYesOrNo(approved);
    const asked = this.waitsFor.filter(({ kind }) => kind === "approve");
    const meant = question === undefined ? asked : asked.filter(({ number }) => number === question);
    if (meant.length !== 1) throw unfitAnswer(whyUnfit(question, asked));
    const at = new Date().toISOString();
    const noted = note === undefined ? {} : { note };
    this.tell({ kind: "approve", question: meant[0]!.number, approved, by, at, ...noted });
  }

  /** Settles the question, where it is open and has been answered. */
  #settleAnswered(question: number): void {
    const open = this.#open.get(question);
    const answer = this.#answers.get(question);
    if (open === undefined || answer === undefined) return;
    const { message, number } = answer;
    if ((message.kind === "approve" ? "approve" : "ambiguous") !== open.waiting.kind) return;
    this.#answers.delete(question);
    const value = message.kind === "approve" ? toConsent(message) : message.how;
    open.settle({ type: "value", value }, number === undefined ? [] : [number]);
  }

  #add(waiting: Waiting, key: string, signal?: AbortSignal): Promise<OutsidePart> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#open.delete(waiting.number);
        this.#dueTimes.delete(waiting.number);
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        end();
        this.#change({ waitsFor: this.waitsFor });
        reject(signal!.reason as Error);
      };
      const settle = (part: OutsidePart, taken: readonly number[]): void => {
        end();
        const change = { waitsFor: this.waitsFor, ...(taken.length === 0 ? {} : { taken }) };
        // What becomes of an ambiguous call is kept where it is settled.
        if (waiting.kind === "ambiguous") this.#change(change);
        else this.#keeper?.keep(key, part, change);
        resolve(part);
      };
      this.#open.set(waiting.number, { waiting, settle });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Gives what was sent to those who wait for it, each once, in order. */
  #deliver(name: string): void {
    const sent = this.#sent.get(name);
    if (sent === undefined) return;
    for (const { kind, name: wanted, number } of this.waitsFor) {
      if (kind !== "receive" || wanted !== name) continue;
      const next = sent.shift();
      if (next === undefined) break;
      const taken = next.number === undefined ? [] : [next.number];
      this.#open.get(number)!.settle({ type: "value", value: { payload: next.payload } }, taken);
    }
    if (sent.length === 0) this.#sent.delete(name);
  }

  #timeIsUp(number: number): void {
    const open = this.#open.get(number);
    if (open === undefined) return;
    const { kind, name, question } = open.waiting;
    if (kind === "sleep") open.settle({ type: "value", value: undefined }, []);
    else {
      const what = kind === "receive" ? `receive "${name}"` : `have ${JSON.stringify(question)} answered`;
      const error = new GeppettoError("TimeoutError", `Cannot ${what}: the time is up`);
      open.settle({ type: "error", error: toErrorRecord(error) }, []);
    }
  }
}

/** Longest text of what a call was made with that is shown to whoever says what became of it, in characters. */
const MAX_SHOWN = 10_000;

/** What a call was made with, for people; cut where it is long. */
function shown(args: readonly unknown[]): unknown {
  const text = encodeValue(args, { exotic: "omit" });
  return text.length <= MAX_SHOWN ? args : `${text.slice(0, MAX_SHOWN)}…`;
}

function whyUnfit(question: number | undefined, asked: readonly Waiting[]): string {
  if (question !== undefined) return `no question ${question} is open`;
  if (asked.length === 0) return "nobody has asked";
  return `several questions are open (${asked.map(({ number }) => number).join(", ")}); say which`;
}

function unfitAnswer(why: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot answer: ${why}`, { code: "ERR_EXECUTION_ANSWER" });
}

function toConsent({ approved, by, note, at }: Consent): Consent {
  return { approved, by, at, ...(note === undefined ? {} : { note }) };
}
