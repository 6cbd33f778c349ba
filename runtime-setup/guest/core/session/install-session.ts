import type { SessionConfig } from "../../../../src/shared/contract/features.ts";
import { FRAMES } from "../../../../src/shared/contract/frame-kinds.ts";
import { OPS } from "../../../../src/shared/contract/ops.ts";
import type { SessionPlan } from "../../../../src/shared/contract/sessions.ts";
import {
  defineHidden,
  evaluateGlobally,
  isNativePromise,
  ObjectGetOwnPropertyDescriptor,
  promiseThen,
} from "../../../../src/shared/primordials.ts";
import { describe } from "../errors.ts";
import { callSync, onFrame } from "../kernel.ts";
import { sendResult } from "../script.ts";
import { keepPositions } from "../source-places.ts";
import { declareNames, forgetNames, restoreUnset } from "./bindings.ts";
import { completeName } from "./complete-name.ts";
import { watchProxies } from "./known-proxies.ts";
import { installTick } from "./loop-tick.ts";
import { expectImports, forgetImports } from "./session-imports.ts";

let isInstalled = false;
let keepsLast = false;
/** What `_` was set to last: another value is the script's own. */
let last: unknown;

/** Lets code run in the global scope time and again, each time with what was declared before. */
export function installSession(config: SessionConfig): void {
  ({ keepsLast } = config);
  last = undefined;
  if (isInstalled) return;
  isInstalled = true;
  watchProxies();
  installTick();
  onFrame(FRAMES.session_run, run);
  onFrame(FRAMES.session_import, (file, positions) => {
    keepPositions(positions[0]?.file ?? file, positions);
    expectImports(file);
  });
  onFrame(FRAMES.session_complete, completeName);
  onFrame(FRAMES.session_end, () => {
    forgetNames();
    forgetImports();
  });
}

function run(id: number, { file, code, isAsync, names, positions }: SessionPlan, awaits: boolean): void {
  // Of code that was cut short.
  restoreUnset();
  try {
    keepPositions(file, positions);
    declareNames(names);
    const value = evaluateGlobally(`${code}\n//# sourceURL=${file}`);
    if (isAsync) {
      const running = (value as () => Promise<{ value: unknown } | undefined>)();
      void promiseThen(
        running,
        (box) => settle(id, box?.value, awaits),
        (error) => fail(id, error),
      );
    } else settle(id, value, awaits);
  } catch (error) {
    fail(id, error);
  }
}

function settle(id: number, value: unknown, awaits: boolean): void {
  restoreUnset();
  if (!awaits || !isNativePromise(value)) return send(id, value);
  void promiseThen(
    value,
    (result) => send(id, result),
    (error) => fail(id, error),
  );
}

function send(id: number, value: unknown): void {
  if (keepsLast) keepLast(value);
  sendResult(OPS.session_settle, { id }, value);
}

function fail(id: number, error: unknown): void {
  restoreUnset();
  callSync(OPS.session_settle, { id, error: describe(error) });
}

/** `_` is the last value, until the code makes it something else. */
function keepLast(value: unknown): void {
  if (value === undefined) return;
  const found = ObjectGetOwnPropertyDescriptor(globalThis, "_");
  const isOurs = found === undefined || ("value" in found && found.value === last);
  if (!isOurs) return;
  last = value;
  try {
    defineHidden(globalThis, "_", value);
  } catch {
    // The script has closed the global object.
  }
}
