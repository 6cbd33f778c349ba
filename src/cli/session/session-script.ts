import type { Journal, Recording, RunScriptOptions, RunStart, ScriptOutcome } from "../../index.ts";
import type { RecordedOps } from "../../replay.ts";

/** One way to read what the user wrote. */
export interface Candidate {
  name: string;
  code: string;
  lineOffset?: number;
  /** See `ErrorContext`. */
  toSourceColumn?: (line: number, column: number) => number;
}

/** What to run, and how to show where it failed. */
export interface SessionScript {
  /** The first that loads is run. */
  candidates: readonly Candidate[];
  /** Which candidate's failure is shown when none loads; default the last one's. */
  loadFailure?: (outcomes: readonly ScriptOutcome[]) => ScriptOutcome;
  /** What the user wrote, for the code frame of an error. */
  source: string;
  /** What the user calls the script. */
  label: string;
  args: readonly string[];
  command: "run" | "eval";
  /** The folder that the script lies in: a local script may read images and import below it. */
  folder?: string;
}

/** What takes the place of what the options name, for a run from the log. */
export interface SessionReplay {
  /** The run's id. */
  of: string;
  /** What the models answered. */
  recordings: readonly Recording[];
  input?: string;
  /** It is another script: one that asks what nobody answered then has failed. */
  isChanged: boolean;
  /** What other ops than those of models were answered, where that is known. */
  ops?: RecordedOps;
}

/** An execution that outlives its process. */
export interface LastingRun extends Pick<RunScriptOptions, "acceptSource" | "printsAgain"> {
  journal: Journal;
  id: string;
  /** What is kept of one that begins, for whoever resumes it. */
  details?: (start: RunStart) => Readonly<Record<string, unknown>>;
  /** What the script reads, where it was begun before. */
  input?: string;
}
