import { closestName } from "../../config.ts";
import { ERROR_GROUPS, EXIT, EXIT_MEANINGS, findError } from "../../error-texts.ts";
import { UsageError } from "../options/usage-error.ts";
import { printLines } from "../output/print-table.ts";
import { toJson } from "../output/to-json.ts";

/** `geppetto-js explain <code>`: what an error's code, or an exit code, means, and what to do about it. */
export function explainCommand(given: string, { json }: { json?: true }): void {
  if (/^\d+$/.test(given)) return explainExit(Number(given), json);
  const code = given.toUpperCase();
  const known = code.startsWith("ERR_") ? code : `ERR_${code.replaceAll("-", "_")}`;
  const entry = findError(known);
  if (entry === undefined) throw unknownCode(given, known);
  const { name, meaning, advice, exit } = entry;
  if (json) {
    const exitMeaning = exit === undefined ? undefined : meaningOf(exit);
    printLines([toJson({ code: known, name, meaning, advice, exitCode: exit, exitMeaning })]);
    return;
  }
  printLines([
    `${known} (${name})`,
    "",
    meaning,
    "",
    `What to do: ${advice}`,
    ...(exit === undefined
      ? ["Only a host app meets it; the command line does not."]
      : [`Exit code:  ${exit}. ${meaningOf(exit)}`]),
  ]);
}

function explainExit(exitCode: number, json: true | undefined): void {
  const meaning = meaningOf(exitCode);
  if (meaning === undefined)
    throw new UsageError(`geppetto-js has no exit code ${exitCode}; docs/errors.md lists them`);
  const codes = ERROR_GROUPS.flatMap(({ errors }) =>
    Object.entries(errors).flatMap(([code, { exit }]) => (exit === exitCode ? [code] : [])),
  );
  if (json) return printLines([toJson({ exitCode, meaning, codes })]);
  printLines([
    `Exit code ${exitCode}`,
    "",
    meaning,
    ...(codes.length === 0 ? [] : ["", `Errors that end in it: ${codes.join(", ")}`]),
  ]);
}

function meaningOf(exitCode: number): string | undefined {
  const key = (Object.keys(EXIT) as (keyof typeof EXIT)[]).find((name) => EXIT[name] === exitCode);
  if (key !== undefined) return EXIT_MEANINGS[key];
  return exitCode < 64 ? "The script's own: it called `process.exit(n)`, or set `process.exitCode`." : undefined;
}

function unknownCode(asked: string, known: string): UsageError {
  const codes = ERROR_GROUPS.flatMap(({ errors }) => Object.keys(errors));
  const close = closestName(known, codes);
  const hint = close === undefined ? "docs/errors.md lists the codes" : `did you mean ${close}?`;
  return new UsageError(`Cannot explain "${asked.slice(0, 100)}": no error has this code; ${hint}`);
}
