import { existsSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { readFolderFile, userTrustStore } from "../../config.ts";
import { isRecent, OLDEST_TYPESCRIPT, ownTypeScript, readPackage, type TypeScript } from "../../files.ts";
import { shortPath } from "../output/short-path.ts";

const PACKAGES = `${sep}node_modules${sep}`;

/**
 * The compiler of the project that a folder belongs to, or else the one beside this program. A compiler is a program: one
 * that came with somebody's folder is run only where this program itself was installed together with it, or where the
 * user has trusted the folder.
 *
 * @param isForeign the folder's own is not even looked for
 * @param note hears why the project's compiler is not used
 */
export function findTypeScript(
  folder: string,
  { isForeign, note }: { isForeign: boolean; note: (text: string) => void },
): TypeScript | undefined {
  const own = ownTypeScript();
  const installed = isForeign ? undefined : findInstalled(folder);
  const project = installed === undefined ? undefined : readPackage(installed);
  if (project === undefined || project.folder === own?.folder) return own;
  const { version } = project;
  const place = shortPath(installed!);
  if (!isRecent(version)) {
    note(`TypeScript ${version} in ${place} is not used: types need ${OLDEST_TYPESCRIPT} or later`);
    return own;
  }
  if (isInstalledTogether(project.folder) || isTrusted(dirname(dirname(installed!)))) return project;
  note(
    `TypeScript ${version} in ${place} is not used: nobody has trusted its folder; run geppetto-js from the project's own node_modules, or see geppetto-js trust`,
  );
  return own;
}

function findInstalled(folder: string): string | undefined {
  for (let from = folder; ; from = dirname(from)) {
    const found = join(from, "node_modules", "typescript");
    if (existsSync(join(found, "package.json"))) return found;
    if (from === dirname(from)) return undefined;
  }
}

/** Does it lie, without links, in the folder of packages that this program was started from? */
function isInstalledTogether(folder: string): boolean {
  const self = realpathSync(dirname(createRequire(import.meta.url).resolve("geppetto-js/package.json")));
  const at = self.indexOf(PACKAGES);
  return at >= 0 && folder.startsWith(self.slice(0, at + PACKAGES.length));
}

/** Has the user trusted this folder, as it is? */
function isTrusted(folder: string): boolean {
  try {
    const file = readFolderFile(folder);
    return file !== undefined && userTrustStore(process.env).stateOf(folder, file.text) === "trusted";
  } catch {
    return false;
  }
}
