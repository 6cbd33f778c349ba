import type { PermissionUse, RuntimeEngine, ScriptOutcome } from "../../index.ts";
import { flagFromHere } from "../output/flag-from-here.ts";
import { ErrorReport, type ErrorContext } from "../output/report-error.ts";
import { ScriptPlaces } from "../output/script-places.ts";
import type { CheckedScript } from "./checked-script.ts";
import type { Problem } from "./problem.ts";

/** What is known of a script once it was loaded. */
export interface Loading {
  problems: Problem[];
  /** The texts of the modules that it was put together from, by their names; none where it imports nothing. */
  sources: Readonly<Record<string, string>>;
  isLoaded: boolean;
}

/**
 * Loads a script as `run` does, and runs nothing of it.
 *
 * @param uses what the engine notes of permissions: those of this script are taken out of it
 */
export async function checkLoading(
  engine: RuntimeEngine,
  script: CheckedScript,
  uses: PermissionUse[],
  signal: AbortSignal,
): Promise<Loading> {
  const { source: code, name, folder } = script;
  const outcome = await engine.runScript({ code, name, folder }, { loadOnly: true, signal });
  const denied = uses.splice(0).filter(({ granted }) => !granted);
  const { sources = {}, ok } = outcome;
  if (!ok) return { problems: [toProblem(outcome, script, denied)], sources, isLoaded: false };
  return { problems: denied.map((use) => toDenial(use, script)), sources, isLoaded: true };
}

function toProblem(outcome: ScriptOutcome, script: CheckedScript, denied: readonly PermissionUse[]): Problem {
  const { source, label, name: file, folder, untrusted } = script;
  const context: ErrorContext = {
    source,
    label,
    file,
    folder,
    untrusted,
    denied,
    sources: outcome.sources,
    pending: "",
    colors: false,
  };
  const error = outcome.error!;
  const { message, code, hint } = new ErrorReport(error, context).toDocument() as {
    message: string;
    code?: string;
    hint?: string;
  };
  const { frame } = new ScriptPlaces(context).splitMessage(error.message);
  return {
    kind: code === "ERR_PERMISSION" ? "permission" : "load",
    severity: "error",
    file: frame === undefined ? label : frame.text.replace(/:\d+:\d+$/, ""),
    ...(frame === undefined ? {} : { line: frame.line, column: frame.column, source: frame.source }),
    ...(code === undefined ? {} : { code }),
    message,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** An import that is refused only where the script comes to it: what is not there it may do without. */
function toDenial({ asked, file }: PermissionUse, { source, label, folder, untrusted }: CheckedScript): Problem {
  const flag = flagFromHere("import", asked, folder);
  const reason =
    file === undefined
      ? `Cannot import "${asked}": there is no such package where the script may look; npm install it beside the script`
      : `import denied: ${asked}: it is not below an allowed folder`;
  return {
    kind: "permission",
    severity: file === undefined ? "warning" : "error",
    file: label,
    ...placeOf(asked, source),
    code: "ERR_PERMISSION",
    message: untrusted ? reason : `${reason}${file === undefined ? ", or" : ";"} allow it with ${flag}`,
  };
}

/** Where the text stands in quotes. */
function placeOf(text: string, source: string): Pick<Problem, "line" | "column" | "source"> {
  const found = ['"', "'", "`"].map((quote) => source.indexOf(`${quote}${text}${quote}`)).filter((at) => at >= 0);
  if (found.length === 0) return {};
  const before = source.slice(0, Math.min(...found)).split("\n");
  return { line: before.length, column: before.at(-1)!.length + 1, source };
}
