import { basename } from "node:path";
import { ATTRIBUTES } from "../../base/telemetry/conventions.ts";
import { withTelemetry, type Telemetry } from "../../base/telemetry/trace.ts";
import type { RunScriptOptions } from "../engine-options.ts";
import type { Script } from "./load-script.ts";
import type { ScriptOutcome } from "./script-run.ts";

/** The span of one execution of a script: nothing, where nobody hears of it. */
export interface ScriptSpan {
  /** Runs a function, and all that it starts, below the span. */
  run<T>(fn: () => T): T;
  end(outcome: ScriptOutcome): void;
  /** A part of a session is over; how, only the session knows. */
  leave(): void;
  /** The host itself has failed. */
  fail(error: unknown): void;
}

const UNTOLD: ScriptSpan = { run: (fn) => withTelemetry(undefined, undefined, fn), end() {}, leave() {}, fail() {} };

export function startScriptSpan(
  telemetry: Telemetry | undefined,
  script: Script,
  { tenant = "", runId }: Pick<RunScriptOptions, "tenant" | "runId">,
): ScriptSpan {
  if (telemetry === undefined) return UNTOLD;
  const startedAt = performance.now();
  const name = nameOf(script);
  const span = telemetry.start({
    name: `script ${name}`,
    attributes: {
      [ATTRIBUTES.scriptName]: name,
      [ATTRIBUTES.tenant]: tenant === "" ? undefined : tenant,
      [ATTRIBUTES.runId]: runId,
    },
  });
  const end = (how: string, failure?: { error: unknown }): void => {
    span.set({ [ATTRIBUTES.scriptEnd]: how });
    span.end(failure);
    telemetry.measure("script", (performance.now() - startedAt) / 1000, { [ATTRIBUTES.scriptEnd]: how });
  };
  return {
    run: (fn) => span.run(fn),
    end: (outcome) => {
      // One that waits for long has not failed.
      const isWell = outcome.ok || outcome.end === "suspended";
      end(outcome.end, isWell ? undefined : { error: outcome.error ?? { name: "NonZeroExit" } });
    },
    leave: () => end("session"),
    fail: (error) => end("failed", { error }),
  };
}

/** What a script is called: never a whole path of the host's. */
function nameOf(script: Script): string {
  if ("file" in script && typeof script.file === "string") return basename(script.file);
  const { loaded, name = loaded?.name } = script as { loaded?: { name?: unknown }; name?: unknown };
  return typeof name === "string" ? basename(name) : "script.js";
}
