import { setFlagsFromString } from "node:v8";
import type { ChildShelf } from "../sandbox/child-shelf.ts";
import { ProcessRealm } from "../sandbox/process-realm.ts";
import type { RealmFactory } from "../sandbox/realm.ts";
import { readRuntimeCache } from "../sandbox/runtime-cache.ts";
import { runtimeFolder, runtimeText } from "../sandbox/runtime-text.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { EngineSettings } from "./engine-options.ts";

/**
 * What makes the realm that the options ask for.
 *
 * `shelf` has children that served the same tenant before; without it each realm has a child of its own. With `isPrompt`
 * all that the guest tells is heard at once, though its turn goes on.
 *
 * @throws {GeppettoError} ConfigError for an unknown isolation or hardening.
 */
export function realmFactory(
  options: EngineSettings,
  { shelf, isPrompt = false }: { shelf?: ChildShelf | undefined; isPrompt?: boolean } = {},
): RealmFactory {
  const { isolation = "process", hardening = "standard", timeZone = "UTC", deterministic } = options;
  if (hardening !== "standard" && hardening !== "strict") {
    throw new GeppettoError(
      "ConfigError",
      `Cannot use hardening "${String(hardening)}": it must be "standard" or "strict"`,
    );
  }
  if (isolation === "process") {
    const isOrderly = deterministic !== undefined && deterministic !== false;
    return (bridge, limits) => ProcessRealm.create(bridge, limits, { hardening, timeZone, isOrderly, isPrompt, shelf });
  }
  if (isolation !== "thread") {
    throw new GeppettoError(
      "ConfigError",
      `Cannot use isolation "${String(isolation)}": it must be "process" or "thread"`,
    );
  }
  if (hardening === "strict")
    throw new GeppettoError("ConfigError", 'Cannot use hardening "strict" in a thread: it needs a process');
  // Loaded on use: a host whose guests live in processes never loads the addon itself.
  return async (bridge, limits) => {
    keepWasmCode();
    const { ThreadRealm } = await import("../sandbox/thread-realm.ts");
    const cache = (): ArrayBuffer | undefined => readRuntimeCache(runtimeFolder(), "thread");
    return ThreadRealm.create(bridge, limits, { runtime: runtimeText(), cache });
  };
}

/**
 * V8's collector of Wasm code can be the one that drops the last reference to an isolate. It deletes that isolate while it
 * holds the lock that deleting takes, and the process stands still when it next makes one. The code of a host's own Wasm
 * (that of `fetch`, for example) is kept instead.
 */
function keepWasmCode(): void {
  setFlagsFromString("--no-wasm-code-gc");
}
