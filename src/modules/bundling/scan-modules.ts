import type { Loader } from "esbuild";
import { ANY_SIGN } from "./copy-signs.ts";
import { mayFindFiles } from "./may-find-files.ts";
import { scanImports, type WrittenImport } from "./scan-imports.ts";

/** Modules by the bundler's names, namespaces included. */
export interface ModuleTexts {
  /** Where the bundler begins: the script, or what starts it. */
  readonly start: string;
  /** What the modules that have been read take their globals from; undefined where they need none. */
  readonly globals: string | undefined;
  contents(name: string): { contents: string; loader: Loader };
  /** What an import leads to, if it is to be had; undefined also for what has to be said where the import stands. */
  ahead(request: {
    specifier: string;
    from: string;
    isRequire: boolean;
  }): { name: string; isPure: boolean } | undefined;
}

/** What is known of a module before the bundler reads it. */
export interface ScannedModule {
  text: string;
  loader: Loader;
  isPure: boolean;
  canBeCopied: boolean;
  imports: (WrittenImport & { name: string })[];
  /** Does each import that was seen lead to a module? */
  isResolved: boolean;
}

/** All modules that a script imports, as far as that can be told without parsing them, by the bundler's names. */
export function scanModules(texts: ModuleTexts): Map<string, ScannedModule> {
  const scanned = new Map<string, ScannedModule>();
  const found = new Map([[texts.start, false]]);
  scanFound(texts, found, scanned);
  if (texts.globals === undefined) return scanned;
  found.set(texts.globals, true);
  scanFound(texts, found, scanned);
  return scanned;
}

/** Scans what was found and not yet scanned, and what is found that way. */
function scanFound(texts: ModuleTexts, found: Map<string, boolean>, scanned: Map<string, ScannedModule>): void {
  for (const [name, isPure] of found) {
    if (scanned.has(name)) continue;
    const { contents: text, loader } = texts.contents(name);
    const written = loader === "json" ? [] : scanImports(text);
    const canBeCopied = written !== undefined && !ANY_SIGN.test(text) && !mayFindFiles(text, loader);
    const imports: ScannedModule["imports"] = [];
    for (const one of written ?? []) {
      const target = texts.ahead({ specifier: one.specifier, from: name, isRequire: one.isRequire });
      if (target === undefined) continue;
      if (!found.has(target.name)) found.set(target.name, target.isPure);
      imports.push({ ...one, name: target.name });
    }
    scanned.set(name, {
      text,
      loader,
      isPure,
      canBeCopied,
      imports,
      isResolved: imports.length === written?.length,
    });
  }
}
