/** What is said of runs, on their way between a guest and its host. */
import type { ErrorRecord } from "../frames.ts";
import type { EventFrame, StepInfo } from "../step-events.ts";

/** How the events of a run come to the guest that started it. */
export const DELIVERY = {
  /** Every event, acked when its callback has returned. */
  every: "every_event",
  /** Every event, acked when the guest says so. */
  pulled: "pulled_events",
  /** The last one only. */
  last: "last_event",
  /** The last one, as the answer to a wait. */
  waited: "waited_event",
} as const;

export type Delivery = (typeof DELIVERY)[keyof typeof DELIVERY];

/** The name under which a guest starts the steps that it made itself. */
export const GUEST_STEP = "guest";

/** The name under which a guest starts calls of tools of MCP servers; no step that scripts have can be named so. */
export const MCP_STEP = "mcp tool";

/** What such a run gets. */
export interface McpCall {
  /** The server, by its identifier. */
  server: string;
  tool: string;
  /** The tool's name is the server's own, and not the identifier made of it. */
  isExact: boolean;
  args: Record<string, unknown>;
}

/** The name under which the host calls the body of such a step. */
export const BODY = "body";

/** What a guest may ask of the host to put in between, for one run, by the names of what does so. */
export interface Interceptions {
  cache: CacheRequest;
}

/** For one run: something of the host's between a step and those who take its results. */
export type Interception = {
  [Name in keyof Interceptions]: { name: Name; args: Interceptions[Name] };
}[keyof Interceptions];

/** A run that may be kept: by what it is known. */
export interface CacheRequest {
  /** What the script gives for the input. */
  key?: string | undefined;
  /** Which of the steps that the script made it is. */
  identity?: string | undefined;
  /** The input of such a step, encoded. */
  input?: string;
  /** Why there is none: a copy would not say all that it is. */
  refused?: string;
}

/** Results that the body of a guest's step may be ahead of those who take them: as many as events may be under way. */
export const YIELD_CREDIT = 64;

export interface RunStart {
  id: string;
  /** The name under which the host knows the step; {@link GUEST_STEP} for one whose body is in the guest. */
  step: string;
  delivery: Delivery;
  /** What the step gets; for a guest's step, what it says of itself. */
  input?: unknown;
  /** Of a step of the guest's. */
  info?: StepInfo | undefined;
  /** Its body begins with it, in this turn: the host need not ask for it. */
  hasBegun?: boolean | undefined;
  /** Why there is no input: the run fails with this. */
  failed?: ErrorRecord | undefined;
  /** The run inside which this one was started: when that one is cancelled or fails, this one is cancelled. */
  parent?: string | undefined;
  /** This run is part of its parent's work: what it finds out (usage, engine …) is in the parent's metadata too. */
  inherits?: boolean | undefined;
  /** Its pieces of text and tool events are its parent's too. */
  forwards?: boolean | undefined;
  /** Whether it forwards is said by `run_forward`; its pieces wait for that. */
  isUndecided?: boolean | undefined;
  /** Where several runs forward at a time: which is whose turn. A piece waits until the parts before it have ended. */
  part?: number | undefined;
  /** When it is to fail with a TimeoutError, in milliseconds from its start. */
  timeoutMs?: number | undefined;
  interception?: Interception | undefined;
}

/** A result that the body of a guest's step hands out. */
export interface RunYield {
  id: string;
  /** A copy, for those who watch from outside. */
  value: unknown;
  /** What the copy does not say of the result, where somebody keeps it. */
  loss?: string | undefined;
  /** With this result that part of the run has ended. */
  endsPart?: number | undefined;
}

/** A function of the guest's that a run needs: the body of a step, or a tool. */
export interface GuestCall {
  callId: number;
  name: string;
  args: unknown;
}

/** What a guest that waits for a run is told: call this function of yours and wait again, or how the run ended. */
export type WaitAnswer = { call: GuestCall; event?: never } | { event: EventFrame; call?: never };
