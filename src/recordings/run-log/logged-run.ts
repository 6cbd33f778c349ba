import type { Subscriber, Subscription } from "../../events/bus.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import type { StepEvent } from "../../shared/step-events.ts";
import { EventPacker, type PackedEvent } from "../event-packer.ts";
import type { Recording } from "../cassette/recording.ts";

/** How a run ended; a `ScriptOutcome` is one. */
export interface LoggedOutcome {
  ok: boolean;
  end?: string;
  value?: unknown;
  text?: string;
  exitCode?: number;
  error?: ErrorRecord;
  stats?: object;
}

export interface LoggedEvent {
  place: number;
  stepId: string;
  packed: PackedEvent;
}

export interface LoggedRunOptions {
  maxEvents: number;
  write(events: LoggedEvent[]): void;
  /** @throws {Error} where it cannot be kept. */
  writeChunk(place: number, chunk: Uint8Array): void;
  writeFailure(reason: string): void;
  end(outcome: LoggedOutcome, recordings: readonly Recording[] | undefined, droppedEvents: number): void;
}

const BATCH = 200;
const DELAY_MS = 100;

/** A run that is being logged. Nothing here throws. */
export class LoggedRun {
  readonly id: string;
  readonly #options: LoggedRunOptions;
  readonly #packer = new EventPacker();
  readonly #subscriptions: Subscription[] = [];
  #waiting: LoggedEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  #dropped = 0;
  #chunks = 0;
  #hasEnded = false;

  constructor(id: string, options: LoggedRunOptions) {
    this.id = id;
    this.#options = options;
  }

  /** Notes an event of one of the run's steps. Written some at a time, within a tenth of a second. */
  record(event: StepEvent): void {
    if (this.#hasEnded) return;
    if (this.#count >= this.#options.maxEvents) {
      this.#dropped++;
      return;
    }
    this.#waiting.push({ place: this.#count++, stepId: event.step.stepId, packed: this.#packer.pack(event) });
    if (this.#waiting.length >= BATCH) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), DELAY_MS).unref();
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

  /**
   * Notes how it ended, when all events that were published have been noted; later ones are not. Idempotent.
   *
   * @param recordings what the models answered, a cassette's recordings: with them the run can be replayed.
   */
  async end(outcome: LoggedOutcome, { recordings }: { recordings?: readonly Recording[] } = {}): Promise<void> {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.idle()));
    for (const subscription of this.#subscriptions) subscription.close();
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#flush();
    this.#options.end(outcome, recordings, this.#dropped);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const events = this.#waiting;
    this.#waiting = [];
    if (events.length > 0) this.#options.write(events);
  }
}
