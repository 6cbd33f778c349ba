/** One run of a step, as the guest that started it knows it, and its events as a script gets them. */
import type { Delivery } from "../../../src/shared/contract/runs.ts";
import type { EventMeta, EventStep } from "../../../src/shared/step-events.ts";
import type { AbortSignal } from "../web/abort.ts";
import type { BodyRun, StepBinding } from "./step-body.ts";

/** A step event as scripts see it. */
export interface GuestEvent {
  type: string;
  [field: string]: unknown;
}

export interface Run extends BodyRun {
  readonly owner: object;
  readonly binding: StepBinding;
  readonly input: unknown;
  readonly delivery: Delivery;
  /** Called with each event; `error` comes with an error event. */
  readonly onEvent: (event: GuestEvent, error: unknown) => void;
  meta: EventMeta;
  step: EventStep;
  completion: string;
  partials: number;
  /** The next delta goes on with the text before it. */
  goesOn: boolean;
  lastSeq: number;
  /** The host wants to hear at once that an event was taken, and not of some together. */
  wantsAck: boolean;
  /** Tells the host how many events have been taken. */
  tellTaken(): void;
  cancelled: boolean;
  /** The script has asked for its end, whether or not that came first. */
  isGivenUp: boolean;
  /** Where the script started it. */
  readonly site: Error;
  /** Aborted when the run is: what its functions and its body get. */
  readonly controller: { signal: AbortSignal; abort(reason?: unknown): void };
  /** Length of what the host keeps for it. */
  chars: number;
  /** Length of the results that its body has handed out. */
  handedOut: number;
  /** What had ended when it was started, see {@link endedChars}. */
  readonly endedBefore: number;
  /** How many more results its body may hand out before it waits. */
  credit: number;
  /** Resume a body that waits for room. */
  readonly waiters: (() => void)[];
  /** What a body here threw, to give it back as it was. */
  failure: { error: unknown } | undefined;
  /** What it was started for. */
  readonly cause: string | undefined;
  forget(): void;
}
