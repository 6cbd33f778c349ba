import { writeFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { reasonOf } from "../../files.ts";
import { closestName } from "../../config.ts";
import { declareMcpServers, GeppettoError } from "../../index.ts";
import { loadSettings } from "../options/load-settings.ts";
import { outsideOf } from "../session/engine-options.ts";
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
  /** MCP servers of the configuration, separated by commas. */
  allowMcp?: string;
}

/** `geppetto-js types`: the types of what scripts see, those of a host app's own functions among them. */
export async function typesCommand({ out, engine, allowMcp }: TypesOptions): Promise<void> {
  const text = await typesText(engine, allowMcp);
  if (out === undefined || out === "-") printLines([text.trimEnd()]);
  else write(out, text);
}

/** The types as a file of their own, with those of an engine's functions and of servers' tools where these are named. */
export async function typesText(engine?: string, servers?: string): Promise<string> {
  const ambient = readAmbientTypes();
  const parts = ["// Made by geppetto-js types; changes are lost when it is made again.", ambient];
  if (engine !== undefined) parts.push(await readHostTypes(engine, declaredNames(ambient)));
  if (servers !== undefined) parts.push(await readServerTypes(servers.split(",").map((name) => name.trim())));
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

async function readHostTypes(engine: string, known: ReadonlySet<string>): Promise<string> {
  const definitions = await readDefinitions(engine);
  const declared = readDeclaredOps(resolve(engine), new Set(definitions.map(({ name }) => name)));
  const printed = printDefinitions(definitions, declared, known);
  printNotes(declared.warnings.map((warning) => `warning: ${warning}`));
  if (printed === "") printNotes([`warning: the engine of ${engine} gives scripts nothing of its own`]);
  return printed === "" ? "" : `// What ${basename(engine)} gives its scripts.\n\n${printed}`;
}

/** Starts the servers: nobody else knows what tools they have. */
async function readServerTypes(names: readonly string[]): Promise<string> {
  const { settings } = await loadSettings({});
  const { mcp } = await outsideOf(settings);
  const known = mcp.servers ?? {};
  const unknown = names.find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined) {
    const close = closestName(unknown, Object.keys(known));
    const advice = close === undefined ? "" : `; did you mean "${close}"?`;
    throw new UsageError(
      `Cannot declare the MCP server "${unknown}": the configuration does not name it${advice}`,
      EXIT.config,
    );
  }
  const servers = Object.fromEntries(names.map((name) => [name, known[name]!]));
  try {
    return `// The tools of MCP servers.\n\n${await declareMcpServers(servers)}`;
  } catch (error) {
    if (!(error instanceof GeppettoError)) throw error;
    throw new UsageError(error.message, EXIT.provider, error.code);
  }
}

function write(out: string, text: string): void {
  try {
    writeFileSync(out, text);
  } catch (error) {
    throw new UsageError(`Cannot write ${shortPath(resolve(out))}: ${reasonOf(error)}`, EXIT.output);
  }
}
