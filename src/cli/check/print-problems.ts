import { styleText } from "node:util";
import { formatCount } from "../options/quantities.ts";
import { codeFrame, linesOf } from "../../error-texts.ts";
import { printLines, printNotes } from "../output/print-table.ts";
import { wantsColors } from "../output/terminal.ts";
import type { TypeCheck } from "./check-types.ts";
import type { Problem } from "./problem.ts";

/** Most problems that are printed. */
const MAX_PRINTED = 100;
/** Most that are part of the document, and the longest message, in characters. */
const MAX_IN_DOCUMENT = 1_000;
const MAX_MESSAGE = 2_000;
const MAX_SOURCE_LINE = 300;

/** Prints problems for a person: each with its place, the code around it and what to do. How it went goes to stderr. */
export function printProblems(
  problems: readonly Problem[],
  { scripts, types }: { scripts: number; types: readonly TypeCheck[] },
): void {
  const colors = wantsColors(process.stdout, process.env);
  printLines(problems.slice(0, MAX_PRINTED).flatMap((problem) => linesFor(problem, colors)));
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  const found = [
    ...(errors > 0 || warnings === 0 ? [formatCount(errors, "error")] : []),
    ...(warnings > 0 ? [formatCount(warnings, "warning")] : []),
  ];
  const more = problems.length > MAX_PRINTED ? `; the first ${MAX_PRINTED} are shown` : "";
  printNotes([`${found.join(", ")} in ${formatCount(scripts, "script")}${more}${describeTypes(types)}`]);
}

function linesFor(problem: Problem, colors: boolean): string[] {
  const { line, column, source, hint, severity, code } = problem;
  const paint = (style: "red" | "yellow" | "cyan", text: string): string =>
    colors ? styleText(style, text, { validateStream: false }) : text;
  const title = [severity, ...(code === undefined ? [] : [`[${code}]`])].join(" ");
  const painted = paint(severity === "error" ? "red" : "yellow", title);
  const place = placeOf(problem);
  const lines = [`${place === "" ? "" : `${place}: `}${painted}: ${problem.message.slice(0, MAX_MESSAGE)}`];
  if (source !== undefined && line !== undefined && column !== undefined)
    lines.push("", ...codeFrame({ source, line, column }), "");
  if (hint !== undefined) lines.push(`${paint("cyan", "hint")}: ${hint}`, "");
  return lines;
}

function placeOf({ file, line, column }: Problem): string {
  return line === undefined ? file : `${file}:${line}:${column}`;
}

function describeTypes(types: readonly TypeCheck[]): string {
  const reasons = new Set(types.flatMap(({ reason }) => (reason === undefined ? [] : [reason])));
  if (reasons.size > 0) return `; types were not checked: ${[...reasons].join("; ")}`;
  const versions = new Set(types.map(({ typescript }) => typescript));
  return versions.size === 0 ? "; types were not checked" : `; types by TypeScript ${[...versions].join(" and ")}`;
}

export interface CheckFacts {
  scripts: readonly string[];
  types: readonly TypeCheck[];
  exitCode: number;
  durationMs: number;
}

/** The same as one document, for a program or a model to mend by. */
export function checkDocument(
  problems: readonly Problem[],
  { scripts, types, exitCode, durationMs }: CheckFacts,
): object {
  return {
    ok: exitCode === 0,
    exitCode,
    scripts,
    problems: problems.slice(0, MAX_IN_DOCUMENT).map(toEntry),
    ...(problems.length > MAX_IN_DOCUMENT ? { omittedProblems: problems.length - MAX_IN_DOCUMENT } : {}),
    types: types.map(({ typescript, config, reason }) => ({
      checked: reason === undefined,
      ...(typescript === undefined ? {} : { typescript }),
      ...(config === undefined ? {} : { config }),
      ...(reason === undefined ? {} : { reason }),
    })),
    durationMs,
  };
}

function toEntry({ source, message, ...problem }: Problem): object {
  const text = source === undefined || problem.line === undefined ? undefined : linesOf(source)[problem.line - 1];
  return {
    ...problem,
    message: message.slice(0, MAX_MESSAGE),
    ...(text === undefined ? {} : { sourceLine: text.slice(0, MAX_SOURCE_LINE) }),
  };
}
