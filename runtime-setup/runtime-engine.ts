import { Engine, type EngineOptions, type SetupFunction } from "../src/engine/engine.ts";
import type { ChildShelf } from "../src/sandbox/child-shelf.ts";
import { checkOptions } from "../src/engine/engine-options.ts";
import { FRAMES } from "../src/shared/contract/frame-kinds.ts";
import { setupConsole, type ConsoleSink } from "./console.ts";
import { setupExecution, type Answers } from "./execution/execution.ts";
import { setupStore, type StoreSource } from "./execution/store.ts";
import { setupLocalTime, timeZoneOf } from "./time/local-time.ts";
import { setupReproducible } from "./time/reproducible.ts";
import { setupTimers } from "./time/timers.ts";
import { setupWeb } from "./web.ts";

export interface RuntimeEngineOptions extends EngineOptions {
  /** Where the guest's output goes; default this process's stdout and stderr, without colours. */
  console?: ConsoleSink;
  /** Who answers scripts that wait with `execution.receive` and `execution.approve`, and whose executions do not last. */
  answers?: Answers;
  /**
   * Where scripts keep what they give `store`, and for how long. Default: the journal of an execution that lasts, for each
   * tenant and name of a script; else the engine itself, for each tenant.
   */
  store?: StoreSource;
}

/**
 * A realm in which scripts run, with what is always there: console, timers, the web's basics and the `process` shim.
 * Everything else comes from setup functions.
 *
 * @example
 * await using engine = new RuntimeEngine({ setup: [setupDefaults()] });
 * await engine.start();
 * const outcome = await engine.runScript({ code: "export default 6 * 7" });
 */
export class RuntimeEngine extends Engine {
  /**
   * @param shelf for the pool: children that served the same tenant before
   * @throws {GeppettoError} ConfigError for options that no engine takes.
   */
  constructor(given: RuntimeEngineOptions = {}, shelf?: ChildShelf) {
    checkOptions(given);
    const { console, answers, store, ...options } = given;
    const timeZone = timeZoneOf(options);
    const builtIns = [
      setupReproducible(),
      setupLocalTime(options.isolation, timeZone),
      setupTimers(),
      setupWeb(),
      setupConsole(console),
      setupProcess(),
      setupExecution(answers),
      setupStore(store),
    ];
    super({ ...options, timeZone }, builtIns, shelf);
  }
}

/** The `process` shim: output, `argv`, `env` and `exit`, all as the script's host set them. */
function setupProcess(): SetupFunction {
  return function process(vm) {
    vm.host.later(vm.install("process"));
    vm.host.onScriptBegin(async (context) => {
      await vm.host.enterChecked(FRAMES.script_begin, context);
    });
  };
}
