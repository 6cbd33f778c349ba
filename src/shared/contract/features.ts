/** The features of the guest that the host switches on, each with what it is told. */
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

export interface FeatureConfigs {
  binding: BindingConfig;
  chat: undefined;
  console: ConsoleConfig;
  conversation: undefined;
  done: undefined;
  embeddings: undefined;
  localTime: LocalTimeConfig;
  pipeline: undefined;
  process: undefined;
  step: StepConfig;
  steps: undefined;
  timers: undefined;
  web: undefined;
}

export type FeatureName = keyof FeatureConfigs;
