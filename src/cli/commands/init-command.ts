import { lstatSync, writeFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { makeFolder, reasonOf } from "../../files.ts";
import { projectParts, type ProjectPart } from "../init/project-files.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printLines, printTable } from "../output/print-table.ts";
import { shortPath } from "../output/short-path.ts";
import { typesText } from "./types-command.ts";

/** `geppetto-js init [dir]`: makes a project. Whatever is there already stays as it is, and that is said. */
export async function initCommand(given: string = "."): Promise<void> {
  const folder = resolve(given);
  makeProjectFolder(folder);
  const rows: string[][] = [];
  for (const part of projectParts(await typesText())) rows.push(...writePart(folder, part));
  printTable(rows);
  printLines(["", "Next:", ...nextSteps(folder).map((step) => `  ${step}`)]);
}

function makeProjectFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (error) {
    const isFile = /^(?:EEXIST|ENOTDIR)$/.test(String((error as NodeJS.ErrnoException).code));
    const reason = isFile ? "it is not a folder, or lies in none" : reasonOf(error);
    throw new UsageError(`Cannot make a project in ${shortPath(folder)}: ${reason}`, EXIT.output);
  }
}

/** A row for each file: its name, what became of it, and what it is for. */
function writePart(folder: string, { files, purpose, advice }: ProjectPart): string[][] {
  const names = Object.keys(files);
  const kept = names.filter((name) => isThere(join(folder, name)));
  if (kept.length === 0) {
    for (const name of names) write(join(folder, name), files[name]!);
    return names.map((name, index) => [name, "made", index === 0 ? purpose : ""]);
  }
  const others = names.filter((name) => !kept.includes(name));
  return [
    ...kept.map((name) => [name, "kept", `it was there already${advice === undefined ? "" : `; ${advice}`}`]),
    ...others.map((name) => [name, "not made", `it belongs to ${kept.join(" and ")}`]),
  ];
}

/** Also a link that leads nowhere is there. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

function write(path: string, text: string): void {
  try {
    // Whatever has come there meanwhile is not written over, nor written through.
    writeFileSync(path, text, { flag: "wx" });
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

function cannotWrite(path: string, error: unknown): UsageError {
  return new UsageError(`Cannot write ${shortPath(path)}: ${reasonOf(error)}`, EXIT.output);
}

function nextSteps(folder: string): string[] {
  const isInstalled = process.argv[1]?.includes(`${sep}node_modules${sep}`) === true;
  const program = isInstalled ? "npx geppetto-js" : "geppetto-js";
  const way = relative("", folder);
  const quoted = /^[\w./@+-]*$/.test(way) ? way : `'${way.replaceAll("'", `'\\''`)}'`;
  return [
    ...(way === "" ? [] : [`cd ${quoted}`]),
    `${program} run hello.js`,
    `${program} check hello.js`,
    `${program} test`,
  ];
}
