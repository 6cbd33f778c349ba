import { findError } from "../../error-texts.ts";
import { type Definition, EnginePool, type SetupFunction, RuntimeEngine, type Vm } from "../../index.ts";
import { importModule } from "../options/import-module.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";

/** Something that scripts find under a global name; of a value, a copy of it. */
export type HostDefinition = Definition & { value?: unknown };

/** What an engine of any copy of this package has. */
type AnyEngine = Pick<RuntimeEngine, "setUp" | "start" | "close">;
type AnyPool = Pick<EnginePool, "run" | "stats" | "close">;

/** A copy of a value without functions, of which those of ops may have been put into it. */
const COPY = `(function copy(value) {
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const fields = Object.entries(value).filter(([, field]) => typeof field !== "function");
  return Object.fromEntries(fields.map(([key, field]) => [key, copy(field)]));
})`;

/**
 * Imports a module of a host app, starts its engine, and says what its setup functions define.
 *
 * @throws {UsageError} where there is no such file (66), the module cannot be loaded (65), has no engine (2), or its
 *   engine does not start (78).
 */
export async function readDefinitions(file: string): Promise<HostDefinition[]> {
  const definitions: HostDefinition[] = [];
  const collect = async (vm: Vm): Promise<void> => {
    for (const definition of vm.definitions) {
      const isValue = definition.kind === "value";
      definitions.push(
        isValue ? { ...definition, value: await vm.runString(`${COPY}(${definition.name})`) } : definition,
      );
    }
  };
  const found = await importEngine(file);
  try {
    await startWith(found, collect);
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    // No process for the guest: what that means is said elsewhere.
    if (code === "ERR_ENGINE_START" || code === "ERR_ENGINE_CRASHED") throw error;
    // Whatever the module throws may have a code of its own.
    throw new UsageError(message ?? String(error), EXIT.config, findError(code ?? "") && code);
  } finally {
    await found.close();
  }
  return definitions;
}

async function startWith(found: AnyEngine | AnyPool, collect: SetupFunction): Promise<void> {
  if ("setUp" in found) {
    await found.setUp(collect);
    await found.start();
    return;
  }
  const { error } = await found.run({ code: "" }, { setup: [collect] });
  if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code });
}

async function importEngine(file: string): Promise<AnyEngine | AnyPool> {
  const module = await importModule(file, "engine");
  const exported = module["default"] ?? module["engine"] ?? module["pool"] ?? module["setup"];
  const engine = toEngine(await exported);
  if (engine !== undefined) return engine;
  throw new UsageError(
    `Cannot find an engine in ${file}: export a RuntimeEngine, an EnginePool, a setup function or a list of those, as ` +
      "default or under the name engine, pool or setup",
  );
}

function toEngine(exported: unknown): AnyEngine | AnyPool | undefined {
  const has = (name: string): boolean => typeof (exported as Record<string, unknown> | null)?.[name] === "function";
  if (typeof exported === "function") return new RuntimeEngine({ setup: [exported as SetupFunction] });
  if (Array.isArray(exported) && exported.length > 0 && exported.every((setup) => typeof setup === "function"))
    return new RuntimeEngine({ setup: exported as SetupFunction[] });
  if (typeof exported !== "object") return undefined;
  const isEngine = has("setUp") && has("start") && has("close");
  return isEngine || (has("run") && has("stats") && has("close")) ? (exported as AnyEngine | AnyPool) : undefined;
}
