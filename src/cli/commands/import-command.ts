import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isFileName, NOT_A_FILE_NAME, readRegularFile, reasonOf, replaceFile } from "../../files.ts";
import { type ImportedProfiles, importProfiles, type KeyStore, userConfigFolder, userKeyStore } from "../../config.ts";
import { readStdin } from "../session/read-stdin.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printLines, printNotes } from "../output/print-table.ts";
import { formatCount } from "../options/quantities.ts";
import { shortPath } from "../output/short-path.ts";
import { toJson } from "../output/to-json.ts";
import { UsageError, withoutConfigError } from "../options/usage-error.ts";
import { makeFolder } from "../../files.ts";

/** Larger files are not read; what is in one is bounded once more, as for every YAML text. */
const MAX_BYTES = 1_000_000;
const IS_THERE = "it is there already; name another file";

/** `geppetto-js profiles import <file>`: a new file with the profiles, and their keys in the keys file. */
export async function importCommand(file: string, { out, json }: { out?: string; json?: true }): Promise<void> {
  if (out === "-" && json) throw new UsageError("Cannot print both the profiles and a document: give --out a file");
  const target = out ?? join(userConfigFolder(process.env), "config.yaml");
  if (out === undefined && existsSync(target)) {
    throw new UsageError(
      `Cannot import into ${shortPath(target)}: it is there already; give --out another file, or - for stdout, and merge them`,
      EXIT.config,
    );
  }
  const imported = await readProfiles(file);
  // Before keys are stored.
  if (out !== undefined && out !== "-") checkNew(out);
  const kept = await storeKeys(imported.keys, userKeyStore(process.env));
  await write(target, imported.yaml);
  const notes = [...imported.notes, ...kept];
  const { names, keys } = imported;
  if (json) {
    printLines([toJson({ file: target, profiles: names, keys: Object.keys(keys), notes })]);
    return;
  }
  const said = [
    `${formatCount(names.length, "profile")} in ${target === "-" ? "all" : shortPath(target)}: ${names.join(", ")}`,
  ];
  if (Object.keys(keys).length > 0) said.push(`keys: ${Object.keys(keys).join(", ")}`);
  printNotes([...said, ...notes]);
}

function readWhole(file: string): string {
  const text = readRegularFile(file, { maxBytes: MAX_BYTES });
  if (text === undefined) throw new Error("there is no such file or folder");
  return text;
}

async function readProfiles(file: string): Promise<ImportedProfiles> {
  let text: string;
  try {
    text = file === "-" ? await readStdin("the profiles", MAX_BYTES) : readWhole(file);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`Cannot import ${file}: ${reasonOf(error)}`, EXIT.noFile);
  }
  try {
    return importProfiles(text, file === "-" ? "stdin" : basename(file));
  } catch (error) {
    throw withoutConfigError(error);
  }
}

/** Stores the keys, but for those in place of another one; says which those are. */
async function storeKeys(keys: Readonly<Record<string, string>>, store: KeyStore): Promise<string[]> {
  const notes: string[] = [];
  try {
    for (const [name, key] of Object.entries(keys)) {
      const known = await store.get(name);
      if (known === undefined) await store.set(name, key);
      else if (known !== key) notes.push(`key ${name}: left out, another key of this name is stored`);
    }
  } catch (error) {
    throw withoutConfigError(error);
  }
  return notes;
}

async function write(target: string, yaml: string): Promise<void> {
  if (target === "-") {
    printLines([yaml.trimEnd()]);
    return;
  }
  try {
    makeFolder(dirname(target));
    // Never over a file that somebody wrote.
    await replaceFile(target, yaml, { isNew: true });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw unwritable(target, isThere ? IS_THERE : reasonOf(error));
  }
}

function checkNew(file: string): void {
  if (!isFileName(file)) throw unwritable(file, NOT_A_FILE_NAME);
  if (existsSync(file)) throw unwritable(file, IS_THERE);
}

function unwritable(file: string, why: string): UsageError {
  return new UsageError(`Cannot write ${file === "" ? '""' : shortPath(file)}: ${why}`, EXIT.output);
}
