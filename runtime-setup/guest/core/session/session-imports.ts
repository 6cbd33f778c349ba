import {
  defineHidden,
  ObjectCreate,
  ObjectKeys,
  SafeError,
  SafeMap,
  SafePromise,
  SafeString,
} from "../../../../src/shared/primordials.ts";
import { bindReaders } from "./bindings.ts";

/** By the names by which code has asked for them: what gives the module. */
const modules = new SafeMap<string, () => Promise<unknown>>();

const RULE = "a session imports what is named by a text that is written out in the code that imports it";

/**
 * Lets a module of the session's code say what it has imported: what it binds, and the modules that the code asks for
 * while it runs. Both names are hidden, and gone when a script takes them away.
 */
export function expectImports(url: string): void {
  defineHidden(globalThis, "geppettoModules", (bound: Readonly<Record<string, unknown>>, asked: object) => {
    bindReaders(ObjectKeys(bound), (name) => bound[name]);
    const names = ObjectKeys(asked);
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      if (!modules.has(name)) modules.set(name, (asked as Record<string, () => Promise<unknown>>)[name]!);
    }
    delete (globalThis as { geppettoModules?: unknown }).geppettoModules;
  });
  const importModule = (asked: unknown): Promise<unknown> => {
    const name = SafeString(asked);
    const give = modules.get(name);
    if (give !== undefined) return give();
    return new SafePromise((_, reject) => reject(new SafeError(`Cannot import "${name}": ${RULE}`)));
  };
  const meta = ObjectCreate(null) as { url?: string };
  meta.url = url;
  defineHidden(importModule, "meta", meta);
  defineHidden(globalThis, "geppettoImport", importModule);
}

export function forgetImports(): void {
  modules.clear();
  delete (globalThis as { geppettoImport?: unknown }).geppettoImport;
  delete (globalThis as { geppettoModules?: unknown }).geppettoModules;
}
