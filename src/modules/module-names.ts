import { basename, isAbsolute, relative, sep } from "node:path";

/** A path as from a folder, with slashes. */
export function pathFrom(folder: string, path: string): string {
  const way = path.startsWith(folder) && path[folder.length] === sep ? path.slice(folder.length + 1) : undefined;
  return withSlashes(way ?? relative(folder, path));
}

function withSlashes(path: string): string {
  return sep === "/" ? path : path.replaceAll(sep, "/");
}

/** Does this file belong to an installed package? */
export function isInstalled(file: string): boolean {
  return file.includes(`${sep}node_modules${sep}`);
}

/**
 * The names by which the guest knows modules: relative to the script's folder, or below `node_modules`, or by the file's
 * own name alone. No two modules share one.
 */
export class ModuleNames {
  readonly #folder: string;
  readonly #names = new Map<string, string>();
  readonly #taken: Set<string>;

  /** @param folder the script's, as a real path; @param script the script's own name. */
  constructor(folder: string, script: string) {
    this.#folder = folder;
    this.#taken = new Set([script]);
  }

  /** The name of the module in this file. */
  of(file: string): string {
    const known = this.#names.get(file);
    if (known !== undefined) return known;
    const wanted = this.#wanted(file);
    let name = wanted;
    for (let count = 2; this.#taken.has(name); count++) name = `${wanted}~${count}`;
    this.#names.set(file, name);
    this.#taken.add(name);
    return name;
  }

  #wanted(file: string): string {
    const way = pathFrom(this.#folder, file);
    if (!isAbsolute(way) && !way.startsWith("..")) return way;
    const packages = file.lastIndexOf(`${sep}node_modules${sep}`);
    return packages < 0 ? basename(file) : withSlashes(file.slice(packages + 1));
  }
}
