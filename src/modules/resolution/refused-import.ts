import { isAbsolute } from "node:path";
import { flagFor, showAsked } from "../../permissions/flag-for.ts";
import { packageOf } from "../../permissions/import-access.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import { pathFrom } from "../module-names.ts";
import { pathOf } from "./path-of.ts";

/** Why an import leads to no module. */
export interface RefusedImport {
  specifier: string;
  /** The folder that it starts from. */
  folder: string;
  reason:
    | "outside"
    | "missing file"
    | "unfit"
    | "no package"
    | "not exported"
    | "not imported"
    | "address"
    | "bad package";
  /** Where it leads, as far as one may know. */
  file?: string;
  /** What is wrong with a package. */
  text?: string;
  /** Of a package that was not found: there are places where it may not be looked for. Is it in one of them? */
  unseen?: boolean;
  isThere?: () => boolean;
}

/** The module as errors and notes name it: a package, or a path from the script's folder. */
export function askedName(specifier: string, folder: string, scriptFolder: string): string {
  if (isAbsolute(specifier)) return specifier;
  if (!/^\.{1,2}(?:[/\\]|$)/.test(specifier)) return packageOf(specifier) ?? specifier;
  const way = pathFrom(scriptFolder, pathOf(folder, specifier));
  // It begins with a dot, so that it is not taken for a package.
  return /^\.\.?\//.test(way) || isAbsolute(way) ? way : `./${way}`;
}

/** The error that says so before the script runs. */
export function refusedBeforeRun(why: RefusedImport, scriptFolder: string): ErrorRecord {
  const { specifier, folder, reason } = why;
  const asked = askedName(specifier, folder, scriptFolder);
  if (reason === "outside" || (reason === "no package" && why.isThere?.() === true)) return denied(asked);
  if (reason === "no package") return plain(asked, `there is no such package; npm install ${showAsked(asked)}`);
  if (reason === "bad package") return plain(asked, why.text ?? reason);
  return plain(reason === "not exported" || reason === "address" ? specifier : asked, textFor(reason, specifier));
}

/**
 * The error that a script can catch while it runs: by what it says of a package nobody learns whether one is where the
 * script may not look.
 */
export function refusedAtRun(why: RefusedImport, scriptFolder: string, isRequire: boolean): ErrorRecord {
  const asked = askedName(why.specifier, why.folder, scriptFolder);
  const code = isRequire ? "MODULE_NOT_FOUND" : "ERR_MODULE_NOT_FOUND";
  if (why.reason === "no package" && why.unseen === true) {
    const how = `npm install it beside the script, or allow it with ${flagFor("import", asked)}`;
    return { ...plain(asked, `there is no such package where the script may look; ${how}`), code };
  }
  const record = refusedBeforeRun({ ...why, isThere: () => false }, scriptFolder);
  return record.code === undefined ? { ...record, code } : record;
}

/** Is this a use of a permission that was denied? */
export function isDenied({ reason, unseen }: RefusedImport): boolean {
  return reason === "outside" || (reason === "no package" && unseen === true);
}

function denied(asked: string): ErrorRecord {
  const message = `import denied: ${showAsked(asked)}: it is not below an allowed folder; allow it with ${flagFor("import", asked)}`;
  return { name: "PermissionError", message, code: "ERR_PERMISSION", isTransient: false };
}

function plain(asked: string, text: string): ErrorRecord {
  return { name: "Error", message: `Cannot import "${showAsked(asked)}": ${text}`, isTransient: false };
}

function textFor(
  reason: Exclude<RefusedImport["reason"], "outside" | "no package" | "bad package">,
  specifier: string,
): string {
  switch (reason) {
    case "missing file":
      return "there is no such file";
    case "unfit":
      return "it is not a regular file that can be read";
    case "not exported":
      return `the package "${showAsked(packageOf(specifier) ?? specifier)}" does not export it`;
    case "not imported":
      return "the package.json beside the module does not name it under imports";
    case "address":
      return "scripts import files and packages";
  }
}
