import { writeFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { reasonOf } from "../../files.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printLines, printNotes } from "../output/print-table.ts";
import { shortPath } from "../output/short-path.ts";
import { declaredNames, readAmbientTypes } from "../types/ambient-types.ts";
import { readDeclaredOps } from "../types/declared-ops.ts";
import { readDefinitions } from "../types/engine-definitions.ts";
import { printDefinitions } from "../types/print-definitions.ts";

export interface TypesOptions {
  out?: string;
  engine?: string;
}

/** `geppetto-js types`: the types of what scripts see, those of a host app's own functions among them. */
export async function typesCommand({ out, engine }: TypesOptions): Promise<void> {
  const ambient = readAmbientTypes();
  const parts = ["// Made by geppetto-js types; changes are lost when it is made again.", ambient];
  if (engine !== undefined) parts.push(await readHostTypes(engine, declaredNames(ambient)));
  const text = parts.filter((part) => part !== "").join("\n\n");
  if (out === undefined || out === "-") printLines([text]);
  else write(out, `${text}\n`);
}

async function readHostTypes(engine: string, known: ReadonlySet<string>): Promise<string> {
  const definitions = await readDefinitions(engine);
  const declared = readDeclaredOps(resolve(engine), new Set(definitions.map(({ name }) => name)));
  const printed = printDefinitions(definitions, declared, known);
  printNotes(declared.warnings.map((warning) => `warning: ${warning}`));
  if (printed === "") printNotes([`warning: the engine of ${engine} gives scripts nothing of its own`]);
  return printed === "" ? "" : `// What ${basename(engine)} gives its scripts.\n\n${printed}`;
}

function write(out: string, text: string): void {
  try {
    writeFileSync(out, text);
  } catch (error) {
    throw new UsageError(`Cannot write ${shortPath(resolve(out))}: ${reasonOf(error)}`, EXIT.output);
  }
}
