import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { text as readText } from "node:stream/consumers";
import { type ImportedProfiles, importProfiles, type KeyStore, userConfigFolder, userKeyStore } from "../../config.ts";
import { reasonOf } from "../session/event-log.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printLines, printNotes } from "../output/print-table.ts";
import { formatCount } from "../options/quantities.ts";
import { shortPath } from "../output/short-path.ts";
import { toJson } from "../output/to-json.ts";
import { UsageError, withoutConfigError } from "../options/usage-error.ts";

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
  const kept = await storeKeys(imported.keys, userKeyStore(process.env));
  write(target, imported.yaml);
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

async function readProfiles(file: string): Promise<ImportedProfiles> {
  let text: string;
  try {
    text = file === "-" ? await readText(process.stdin) : readFileSync(file, "utf8");
  } catch (error) {
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

function write(target: string, yaml: string): void {
  if (target === "-") {
    process.stdout.write(yaml);
    return;
  }
  try {
    mkdirSync(dirname(target), { recursive: true });
    // Never over a file that somebody wrote.
    writeFileSync(target, yaml, { flag: "wx" });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw new UsageError(`Cannot write ${shortPath(target)}: ${isThere ? "it is there already" : reasonOf(error)}`);
  }
}
