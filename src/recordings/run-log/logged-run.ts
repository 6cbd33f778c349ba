import type { Subscriber, Subscription } from "../../events/bus.ts";
import type { KeptText } from "../../journal/kept-text.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import type { StepEvent } from "../../shared/step-events.ts";
import { EventPacker, type PackedEvent } from "../event-packer.ts";
import type { RecordedRequest } from "../cassette/recorded-request.ts";
import type { Recording } from "../cassette/recording.ts";
import { OutputBuffer, type OutputPiece, type OutputStream } from "./output-buffer.ts";
import { HEARTBEAT_MS } from "../../base/process-holder.ts";
import { countUsage, type RunUsage } from "./run-usage.ts";

/** How a run ended; a `ScriptOutcome` is one. */
export interface LoggedOutcome {
  ok: boolean;
  end?: string;
  value?: unknown;
  text?: string;
  exitCode?: number;
  error?: ErrorRecord;
  unhandledErrors?: ErrorRecord[];
  stats?: object;
}

export interface LoggedEvent {
  place: number;
  stepId: string;
  packed: PackedEvent;
}

/** One request to a model, and what came of it. Whoever notes it has taken out what is not to be kept. */
export interface LoggedCall {
  /** Its number, from 0, in the order in which the run asked. */
  place: number;
  /** The run of the step that asked; "" where that is not known. */
  stepId: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  request: RecordedRequest;
  /** Absent while it is under way. */
  durationMs?: number;
  /** The recording but for the request; likewise. */
  answer?: object;
}

/** What is written at a time. */
export interface LoggedBatch {
  events: LoggedEvent[];
  calls: LoggedCall[];
  output: OutputPiece[];
}

/** What is known of a run at its end, beside its outcome. */
export interface LoggedEnd {
  recordings: readonly Recording[] | undefined;
  exitCode: number | undefined;
  usage: RunUsage;
  droppedEvents: number;
  /** Characters. */
  droppedOutput: number;
}

export interface LoggedRunOptions {
  maxEvents: number;
  /** Most characters of output. */
  maxOutput: number;
  /** False where it could not be written. */
  write(batch: LoggedBatch): boolean;
  /** @throws {Error} where it cannot be kept. */
  keepText(kept: KeptText): void;
  /** Likewise. */
  writeChunk(place: number, chunk: Uint8Array): void;
  writeFailure(reason: string): void;
  /** Says that the run goes on. */
  touch(): void;
  end(outcome: LoggedOutcome, end: LoggedEnd): void;
}

export interface EndOptions {
  /** What the models answered, a cassette's recordings: with them the run can be replayed. */
  recordings?: readonly Recording[];
  /** What the process ends with, where it is for this run alone; another one than 0 means that it failed. */
  exitCode?: number;
}

const BATCH = 200;
const DELAY_MS = 100;
/** How long an unfinished line is kept back, in milliseconds. */
const LINE_MS = 1000;

/** A run that is being logged. Nothing here throws. */
export class LoggedRun {
  readonly id: string;
  readonly #options: LoggedRunOptions;
  readonly #packer = new EventPacker();
  readonly #subscriptions: Subscription[] = [];
  readonly #output: OutputBuffer;
  readonly #usage: RunUsage = { calls: 0, inputTokens: 0, outputTokens: 0 };
  readonly #heartbeat: NodeJS.Timeout;
  #waiting: LoggedEvent[] = [];
  readonly #calls = new Map<number, LoggedCall>();
  #timer: NodeJS.Timeout | undefined;
  #lineTimer: NodeJS.Timeout | undefined;
  /** Events and output are counted together, so that their order is known. */
  #place = 0;
  #count = 0;
  #dropped = 0;
  #chunks = 0;
  #hasEnded = false;

  constructor(id: string, options: LoggedRunOptions) {
    this.id = id;
    this.#options = options;
    this.#output = new OutputBuffer(options.maxOutput);
    this.#heartbeat = setInterval(() => options.touch(), HEARTBEAT_MS).unref();
  }

  /** Notes an event of one of the run's steps. Written some at a time, within a tenth of a second. */
  record(event: StepEvent): void {
    if (this.#hasEnded) return;
    countUsage(this.#usage, event);
    if (this.#count >= this.#options.maxEvents) {
      this.#dropped++;
      return;
    }
    this.#count++;
    this.#waiting.push({ place: this.#place++, stepId: event.step.stepId, packed: this.#packer.pack(event) });
    if (this.#waiting.length >= BATCH) this.#flush();
    else this.#schedule();
  }

  /**
   * Notes what the script prints. Written likewise, an unfinished line within a second: what is redacted in it may come in
   * pieces.
   */
  print(stream: OutputStream, text: string): void {
    if (this.#hasEnded) return;
    this.#output.add(stream, text, this.#nextPlace);
    this.#schedule();
    // It goes on: only a line that does not is written as it is.
    this.#clearLineTimer();
  }

  /** Notes a request to a model when it is made, and once more when it is answered. Written likewise. */
  noteCall(call: LoggedCall): void {
    if (this.#hasEnded) return;
    this.#calls.set(call.place, call);
    this.#schedule();
  }

  /**
   * Keeps a long text that the run's journal has by its hash, once for all runs that have it.
   *
   * @throws {Error} where it cannot be kept.
   */
  keepText(kept: KeptText): void {
    this.#options.keepText(kept);
  }

  /**
   * Keeps a part of the run's journal, in order.
   *
   * @throws {Error} where it cannot be kept.
   */
  keepChunk(chunk: Uint8Array): void {
    this.#options.writeChunk(this.#chunks++, chunk);
  }

  /** Gives the run's journal up, for this reason. */
  dropJournal(reason: string): void {
    this.#options.writeFailure(reason);
  }

  /** Notes every event on a bus, until the run is ended or the result called. */
  follow(bus: Subscriber, topic = "step.*"): () => void {
    const subscription = bus.subscribe<StepEvent>(topic);
    void (async () => {
      for await (const { payload, ack } of subscription) {
        this.record(payload);
        ack();
      }
    })();
    this.#subscriptions.push(subscription);
    return () => subscription.close();
  }

  /** Notes how it ended, when all events that were published have been noted; later ones are not. Idempotent. */
  async end(outcome: LoggedOutcome, { recordings, exitCode }: EndOptions = {}): Promise<void> {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.idle()));
    for (const subscription of this.#subscriptions) subscription.close();
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#heartbeat);
    this.#flush({ all: true });
    const [usage, droppedEvents, droppedOutput] = [this.#usage, this.#dropped, this.#output.dropped];
    this.#options.end(outcome, { recordings, exitCode, usage, droppedEvents, droppedOutput });
  }

  readonly #nextPlace = (): number => this.#place++;

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#flush(), DELAY_MS).unref();
  }

  #clearLineTimer(): void {
    clearTimeout(this.#lineTimer);
    this.#lineTimer = undefined;
  }

  #flush({ all = false } = {}): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (all) this.#clearLineTimer();
    const output = this.#output.take({ all, placeOf: this.#nextPlace });
    const [events, calls] = [this.#waiting, [...this.#calls.values()]];
    this.#waiting = [];
    this.#calls.clear();
    if (!this.#output.isEmpty) this.#lineTimer ??= setTimeout(() => this.#flush({ all: true }), LINE_MS).unref();
    if (events.length + calls.length + output.length === 0) return;
    if (this.#options.write({ events, calls, output })) return;
    this.#dropped += events.length;
    for (const { text } of output) this.#output.dropped += text.length;
  }
}
