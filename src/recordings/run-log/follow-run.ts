import { setTimeout as sleep } from "node:timers/promises";
import { isTerminal, type StepEvent } from "../../shared/step-events.ts";
import { type ModelCall, modelCallsOf } from "./model-calls.ts";
import type { OutputStream } from "./output-buffer.ts";
import { EventReader, readCalls, readOutput } from "./read-rows.ts";
import { SQL, type CallRow, type EventRow, type OutputRow } from "./run-log-schema.ts";
import type { RunReader } from "./run-reader.ts";

/** Something that a run did: it printed, or a call of a model has ended. */
export type FollowedItem = { type: "output"; stream: OutputStream; text: string } | { type: "call"; call: ModelCall };

/** How often a run under way is looked at: another process writes the log, which tells nobody. */
const POLL_MS = 100;

/** See `RunLog.follow`. */
export async function* followRun(
  reader: RunReader,
  id: string,
  { signal }: { signal?: AbortSignal },
): AsyncGenerator<FollowedItem, void, undefined> {
  const watched = new WatchedRun(reader, id);
  for (;;) {
    signal?.throwIfAborted();
    // Asked before the rest is read: what a run did before it ended is there once it has.
    const isOver = reader.state(id) !== "running";
    yield* watched.news();
    if (isOver) return yield* watched.unfinished();
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

/** What has been seen of a run. */
class WatchedRun {
  readonly #reader: RunReader;
  readonly #id: string;
  readonly #events = new EventReader();
  /** The events of chats under way. */
  readonly #chats = new Map<string, StepEvent[]>();
  #lastEvent = -1;
  #lastOutput = -1;

  constructor(reader: RunReader, id: string) {
    this.#reader = reader;
    this.#id = id;
  }

  /** What is new, in the order in which it came. */
  news(): FollowedItem[] {
    const events = this.#reader.all<EventRow>(SQL.events, this.#id, this.#lastEvent);
    const output = this.#reader.allSince2<OutputRow>(SQL.printed, this.#id, this.#lastOutput);
    this.#lastEvent = events.at(-1)?.place ?? this.#lastEvent;
    this.#lastOutput = output.at(-1)?.place ?? this.#lastOutput;
    const items = [
      ...events.map((row) => ({ place: row.place, item: this.#toCall(row) })),
      ...output.map((row) => ({ place: row.place, item: { type: "output" as const, ...readOutput([row])[0]! } })),
    ];
    return items.sort((a, b) => a.place - b.place).flatMap(({ item }) => item ?? []);
  }

  /** Calls that have begun and, when the run is over, will not end. */
  unfinished(): FollowedItem[] {
    return [...this.#chats].map(([stepId, own]) => this.#callOf(stepId, own));
  }

  /** The call that an event ends. */
  #toCall(row: EventRow): FollowedItem | undefined {
    const event = this.#events.read(row);
    if (event?.step.type !== "chat" || event.type === "partial" || event.type === "reasoning") return undefined;
    const { stepId } = event.step;
    const own = this.#chats.get(stepId) ?? [];
    own.push(event);
    if (!isTerminal(event.type)) {
      this.#chats.set(stepId, own);
      return undefined;
    }
    this.#chats.delete(stepId);
    return this.#callOf(stepId, own);
  }

  #callOf(stepId: string, events: readonly StepEvent[]): FollowedItem {
    const { calls } = readCalls(this.#reader.allSince2<CallRow>(SQL.callsOfStep, this.#id, stepId));
    return { type: "call", call: modelCallsOf(events, calls)[0]! };
  }
}
