import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { readFolderFile, settingsToTrust, type TrustStore, userTrustStore, type YamlFile } from "../../config.ts";
import { UsageError, withoutConfigError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printLines, printNotes } from "../output/print-table.ts";
import { shortPath } from "../output/short-path.ts";
import { toJson } from "../output/to-json.ts";

export interface TrustOptions {
  list?: true;
  remove?: true;
  json?: true;
}

/** `geppetto-js trust [folder]`: lets a folder's `geppetto.yaml`, as it is now, count as the user's own. */
export async function trustCommand(folder: string | undefined, { list, remove, json }: TrustOptions): Promise<void> {
  const store = userTrustStore(process.env);
  try {
    if (list) listFolders(store, json);
    else if (remove) await removeFolder(store, folder ?? ".");
    else await trustFolder(store, folder ?? ".");
  } catch (error) {
    throw withoutConfigError(error);
  }
}

function listFolders(store: TrustStore, json: true | undefined): void {
  const folders = store.list();
  if (json) printLines([toJson(folders)]);
  else if (folders.length === 0) printNotes(["no folders are trusted"]);
  else printLines(folders);
}

async function removeFolder(store: TrustStore, folder: string): Promise<void> {
  if (!(await store.remove(folder))) {
    throw new UsageError(
      `Cannot remove the trust in ${shown(folder)}: it is not trusted; trust --list shows the folders that are`,
      EXIT.config,
    );
  }
  printNotes([`${shown(folder)} is not trusted any more`]);
}

async function trustFolder(store: TrustStore, folder: string): Promise<void> {
  const file = readFolderFile(folder);
  if (file === undefined) {
    throw new UsageError(`Cannot trust ${shown(folder)}: there is no geppetto.yaml in it`, EXIT.noFile);
  }
  if (store.stateOf(folder, file.text) === "trusted") {
    printNotes([`${shown(folder)} is trusted already`]);
    return;
  }
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError(
      `Cannot trust ${shown(folder)}: the question needs a terminal; look at the file, and run geppetto-js trust in one`,
    );
  }
  printNotes(describeFile(folder, file));
  if (!(await confirm("Trust it as it is now? [y/N] "))) throw nothingTrusted(EXIT.uncaught);
  // What was shown, and not what may stand there by now.
  await store.trust(folder, file.text);
  printNotes([`${shown(folder)} is trusted, until its geppetto.yaml changes`]);
}

function describeFile(folder: string, file: YamlFile): string[] {
  const settings = settingsToTrust(file);
  const asks = settings.map(({ path, value, place }) => `  ${place}  ${path}: ${oneLine(value)}`);
  return [
    `${shown(folder)}/geppetto.yaml will count like your own configuration: it may send your keys to any address,`,
    "start programs, set prices and folders, and allow its scripts more.",
    ...(asks.length === 0 ? ["It says nothing now that needs this."] : ["It says now:", ...asks]),
  ];
}

async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr, historySize: 0 });
  const stopped = new AbortController();
  let isInterrupted = false;
  lines.once("SIGINT", () => {
    isInterrupted = true;
    stopped.abort();
  });
  lines.once("close", () => stopped.abort());
  try {
    return /^y(?:es)?$/i.test((await lines.question(question, { signal: stopped.signal })).trim());
  } catch {
    if (isInterrupted) throw nothingTrusted(EXIT.interrupted);
    return false;
  } finally {
    lines.close();
  }
}

function nothingTrusted(exitCode: number): UsageError {
  return new UsageError("Nothing is trusted", exitCode, "ERR_ABORTED");
}

function shown(folder: string): string {
  return shortPath(resolve(folder));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}
