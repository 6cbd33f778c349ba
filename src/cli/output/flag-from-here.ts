import { isAbsolute, relative, resolve } from "node:path";
import { flagFor, type PermissionKind } from "../../index.ts";

/**
 * The narrowest flag that allows this. A script knows a path as it starts from its own folder; a flag starts from the
 * working directory.
 */
export function flagFromHere(kind: PermissionKind, asked: string, folder: string | undefined): string {
  return flagFor(kind, fromHere(kind, asked, folder));
}

function fromHere(kind: PermissionKind, asked: string, folder: string | undefined): string {
  const isPath = kind === "read" || (kind === "import" && /^\.{1,2}(?:\/|$)/.test(asked));
  if (folder === undefined || !isPath || isAbsolute(asked)) return asked;
  const path = relative("", resolve(folder, asked));
  // What begins with neither dot nor slash would be a package.
  return kind === "import" && !/^[./]/.test(path) ? `./${path}` : path;
}
