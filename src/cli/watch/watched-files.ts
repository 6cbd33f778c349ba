import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { userConfigFolder } from "../../config.ts";
import { findTests, importedFiles } from "../../golden-tests.ts";
import type { WatchedFiles } from "./watch-files.ts";

/** Most files that are watched. */
const MAX_FILES = 2_000;

/** Settings of this folder and of the user. */
function settingsFiles(): string[] {
  return [resolve("geppetto.yaml"), join(userConfigFolder(process.env), "config.yaml")];
}

/** What a run of a script depends on: the script, what it imports by relative paths, other files, and settings. */
export function filesOfRun(script: string, others: readonly (string | undefined)[]): WatchedFiles {
  const named = others.filter((file) => file !== undefined && file !== "-").map((file) => resolve(file!));
  return { files: [...withImports([resolve(script)]), ...named, ...settingsFiles()], written: [] };
}

/** The same as {@link filesOfTests} at first, and as long as one of the paths is gone what it was last. */
export function testFileList(paths: readonly string[]): () => WatchedFiles {
  let last = filesOfTests(paths);
  return () => {
    try {
      last = filesOfTests(paths);
    } catch {
      // It is a test run that says so.
    }
    return last;
  };
}

/**
 * What tests depend on: their scripts, what these import, and the files beside them.
 *
 * @throws {GeppettoError} ConfigError ("ERR_TEST_PATH") for a path where nothing is.
 */
function filesOfTests(paths: readonly string[]): WatchedFiles {
  const { tests, unusable } = findTests(paths);
  const written = tests.flatMap(({ golden, cassette }) => [golden, cassette]).map((file) => resolve(file));
  const others = [...tests.map(({ document }) => document), ...unusable.map(({ file }) => file)];
  const scripts = withImports(tests.map(({ script }) => resolve(script)));
  const files = [...scripts, ...written, ...others.map((file) => resolve(file)), ...settingsFiles()];
  return { files, written };
}

function withImports(scripts: readonly string[]): string[] {
  const found = new Set(scripts);
  for (const file of found) {
    if (!existsSync(file)) continue;
    for (const imported of importedFiles(file)) if (found.size < MAX_FILES) found.add(imported);
  }
  return [...found];
}
