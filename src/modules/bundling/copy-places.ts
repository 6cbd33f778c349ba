import { basename, dirname } from "node:path";
import { namedAsNode } from "./bundler-names.ts";
import type { ScannedModule } from "./scan-modules.ts";

/** Where copies lie in the archive: many in one folder, since the bundler looks around in each. */
export class CopyPlaces {
  /** By the bundler's names of the modules. */
  readonly all: Map<string, string> = new Map();
  /** How many have this name so far. */
  readonly #counts = new Map<string, number>();

  /** The bundler makes names of variables of the last part, or of the folder of an index. */
  add(name: string, { isPure, loader }: ScannedModule): string {
    const path = name.slice(name.indexOf(":") + 1);
    const given = namedAsNode(path);
    const file = plainName(basename(given ?? path));
    const folder = file.startsWith("index.") ? `${plainName(basename(dirname(given ?? path)))}/` : "";
    const last = `${folder}${/\.(?:[cm]?[jt]s|[jt]sx|json)$/.test(file) ? file : `${file}.${loader}`}`;
    // Names that differ in their letters' case alone count as one there, and a package.json says something of its folder.
    const alike = loader === "json" ? "json" : last.toLowerCase();
    const count = this.#counts.get(alike) ?? 0;
    this.#counts.set(alike, count + 1);
    const group = `${loader === "json" ? "j" : ""}${given === undefined ? "m" : "e"}${isPure ? "p" : ""}`;
    const place = `${group}/${count}/${last}`;
    this.all.set(name, place);
    return place;
  }
}

/** A name that says nothing to the bundler, as one that begins with a dot may. */
function plainName(name: string): string {
  return name.replaceAll(/[^\w.-]|^\./g, "_");
}
