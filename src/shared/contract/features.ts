/** The features of the guest that the host switches on, each with what it is told. */
import type { Seed } from "../random.ts";
import type { StepInfo } from "../step-events.ts";

/** May texts for the stream be coloured? */
export interface ConsoleConfig {
  colors: { stdout: boolean; stderr: boolean };
}

/** A function for scripts; `name` may be dotted ("orders.find"). */
export interface BindingConfig {
  name: string;
  mode: "sync" | "async" | "blocking";
}

/** A step of the host's: the global name, and the name under which the host knows it. */
export interface StepConfig extends StepInfo {
  name: string;
  step: string;
}

/** A language and a time zone that are not those of the process that the guest lives in. */
export interface LocalTimeConfig {
  locale: string;
  timeZone: string;
}

/**
 * The reads of a clock that gave another time than the one before: which read it was, counted from 1, and the time in
 * milliseconds; of a virtual clock, since its beginning.
 */
export type ClockReads = readonly (readonly [read: number, ms: number])[];

/** Where a guest's time comes from, in milliseconds since the epoch. */
export type ClockConfig =
  /** Its own machine; each change that it sees is told by `clock_reads`. */
  | { mode: "live" }
  /** What was read when it ran before. */
  | { mode: "replay"; reads: ClockReads }
  /** The same up to where the attempt of this number goes on, and its own machine's from there. */
  | { mode: "resume"; attempt: number; reads: ClockReads }
  /** The host's, which begins at `now`; reading it takes time, too. */
  | { mode: "virtual"; now: number };

/** What scripts have in place of each secret. */
export interface FetchConfig {
  secrets: Record<string, string>;
}

/** The servers that scripts may name, by their identifiers. */
export interface McpConfig {
  servers: string[];
}

/** What takes time and chance out of a guest. */
export interface ReproducibleConfig {
  seed: Seed;
  clock: ClockConfig;
}

/** What a session gives its code. */
export interface SessionConfig {
  /** The last value is kept as `_`. */
  keepsLast: boolean;
}

export interface FeatureConfigs {
  binding: BindingConfig;
  chat: undefined;
  console: ConsoleConfig;
  conversation: undefined;
  done: undefined;
  embeddings: undefined;
  fetch: FetchConfig;
  execution: undefined;
  localTime: LocalTimeConfig;
  mcp: McpConfig;
  pipeline: undefined;
  /** Tells where the script is whenever it asks for something. */
  places: undefined;
  process: undefined;
  reproducible: ReproducibleConfig;
  session: SessionConfig;
  step: StepConfig;
  steps: undefined;
  store: undefined;
  subScripts: undefined;
  timers: undefined;
  web: undefined;
}

export type FeatureName = keyof FeatureConfigs;
