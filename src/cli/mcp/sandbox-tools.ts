import type { CodeFunction, SetupFunction } from "../../index.ts";
import { importModule } from "../options/import-module.ts";
import { UsageError } from "../options/usage-error.ts";

/** What a module gives the code of agents. */
export interface SandboxTools {
  tools: Readonly<Record<string, CodeFunction>>;
  setup: readonly SetupFunction[];
  /** Ambient declarations of what the setup functions define. */
  types: string;
}

const EXPORTS = ["tools", "setup", "types"];

/**
 * Imports a module of the user's that exports `tools`, `setup` and `types`, or some of them.
 *
 * @throws {UsageError} where there is no such file (66), it cannot be loaded (65), or exports something else (2).
 */
export async function importSandboxTools(file: string | undefined): Promise<SandboxTools> {
  if (file === undefined) return { tools: {}, setup: [], types: "" };
  const module = await importModule(file, "tools");
  if (!EXPORTS.some((name) => name in module)) throw unfit(file, `it exports none of ${EXPORTS.join(", ")}`);
  const { tools = {}, setup = [], types = "" } = module;
  const setups: unknown[] = Array.isArray(setup) ? setup : [setup];
  if (typeof tools !== "object" || tools === null)
    throw unfit(file, "tools must be an object of functions by their names");
  if (!setups.every((one) => typeof one === "function"))
    throw unfit(file, "setup must be a setup function or a list of them");
  if (typeof types !== "string") throw unfit(file, "types must be a text");
  return { tools: tools as SandboxTools["tools"], setup: setups as SetupFunction[], types };
}

function unfit(file: string, why: string): UsageError {
  return new UsageError(`Cannot use the tools of ${file}: ${why}`);
}
