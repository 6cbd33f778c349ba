import { EXIT } from "../output/exit-codes.ts";

/** What was checked when a problem was found. */
export type ProblemKind = "file" | "load" | "options" | "permission" | "types";

/** Something that `check` has found. */
export interface Problem {
  kind: ProblemKind;
  /** A warning does not change the exit code. */
  severity: "error" | "warning";
  /** The path from the working directory, or the whole one where that is shorter. */
  file: string;
  /** Both count from 1; the column counts UTF-16 units, as editors do. */
  line?: number;
  column?: number;
  /** A code that `explain` knows, or the compiler's: "TS2345". */
  code?: string;
  message: string;
  hint?: string;
  /** The text that it lies in, for the code frame. */
  source?: string;
}

/** Exit codes by what is wrong, the worst first: what does not load is not looked at any further. */
const EXITS: readonly (readonly [ProblemKind, number])[] = [
  ["file", EXIT.noFile],
  ["load", EXIT.load],
  ["options", EXIT.config],
  ["permission", EXIT.permission],
  ["types", EXIT.uncaught],
];

/** The exit code of `check`. */
export function exitCodeFor(problems: readonly Problem[]): number {
  const errors = problems.filter(({ severity }) => severity === "error");
  return EXITS.find(([kind]) => errors.some((problem) => problem.kind === kind))?.[1] ?? EXIT.ok;
}
