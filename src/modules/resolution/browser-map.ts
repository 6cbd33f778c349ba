import { join } from "node:path";
import { pathFrom } from "../module-names.ts";
import type { PackageManifest } from "./package-manifest.ts";

/** What a package has for browsers in place of a module: another, or nothing. */
export type Replacement = string | false;

function mapOf(manifest: PackageManifest | undefined): Record<string, unknown> | undefined {
  const map = manifest?.fields["browser"];
  return typeof map === "object" && map !== null ? (map as Record<string, unknown>) : undefined;
}

function lookUp(map: Record<string, unknown>, keys: readonly string[]): Replacement | undefined {
  for (const key of keys) {
    const value = Object.hasOwn(map, key) ? map[key] : undefined;
    if (typeof value === "string" || value === false) return value;
  }
  return undefined;
}

export function hasBrowserMap(manifest: PackageManifest | undefined): boolean {
  return mapOf(manifest) !== undefined;
}

/** What the package that imports another has in its place. */
export function replacedPackage(manifest: PackageManifest | undefined, specifier: string): Replacement | undefined {
  const map = mapOf(manifest);
  return map && lookUp(map, [specifier]);
}

/** What a package has in place of one of its own files, which may be missing, or lack its extension. */
export function replacedFile(manifest: PackageManifest | undefined, file: string): Replacement | undefined {
  const map = mapOf(manifest);
  if (map === undefined || manifest === undefined) return undefined;
  const way = pathFrom(manifest.folder, file);
  if (way.startsWith("../")) return undefined;
  const bare = way.replace(/\.(?:js|json|cjs|mjs)$/, "");
  const folder = bare.replace(/\/index$/, "");
  const forms = [way, `${way}.js`, `${way}.json`, bare, folder, join(way, "index.js")];
  return lookUp(
    map,
    forms.flatMap((form) => [`./${form}`, form]),
  );
}
