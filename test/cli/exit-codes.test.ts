import { describe, expect, it } from "vitest";
import { exitCodeOf } from "../../src/errors/exit-code-of.ts";
import type { ScriptEnd, ScriptError, ScriptOutcome } from "../../src/index.ts";

const stats = { durationMs: 1, cpuMs: 1, turns: 1 };

function ended(end: ScriptEnd, error?: Partial<ScriptError>, exitCode?: number): ScriptOutcome {
  const given = { name: "Error", message: "", isTransient: false, fromHost: true, ...error };
  const own = exitCode === undefined ? {} : { exitCode };
  return { ok: end === "completed" || end === "done", end, stats, ...own, ...(error ? { error: given } : {}) };
}

describe("exitCodeOf()", () => {
  it.each<[string, ScriptOutcome, number]>([
    ["a script that completes", ended("completed"), 0],
    ["a script that is done", ended("done"), 0],
    ["process.exit(7)", ended("exit", undefined, 7), 7],
    ["a script that does not parse", ended("load", { name: "SyntaxError", code: "ERR_SCRIPT_LOAD" }), 65],
    ["a denied import", ended("load", { name: "PermissionError", code: "ERR_PERMISSION" }), 77],
    ["the time limit", ended("limit", { name: "LimitError", code: "ERR_LIMIT_WALL" }), 124],
    ["the limit of a turn", ended("limit", { name: "LimitError", code: "ERR_LIMIT_TURN" }), 124],
    ["the memory limit", ended("limit", { name: "LimitError", code: "ERR_LIMIT_MEMORY" }), 125],
    ["a host's signal", ended("aborted", { name: "AbortError", code: "ERR_ABORTED" }), 130],
    ["a dead engine", ended("crashed", { name: "StepError", code: "ERR_ENGINE_CRASHED" }), 134],
    ["a stalled script", ended("stalled", { code: "ERR_SCRIPT_STALLED" }), 1],
    ["an uncaught error without a code", ended("uncaught", { name: "TypeError" }), 1],
    ["an uncaught AbortError", ended("uncaught", { name: "AbortError", code: "ERR_ABORTED" }), 1],
    ["a provider's failure", ended("uncaught", { name: "ProviderError", code: "ERR_OVERLOADED" }), 69],
    ["a rate limit", ended("uncaught", { name: "ProviderError", code: "ERR_RATE_LIMIT" }), 75],
    ["a refused key", ended("uncaught", { name: "ProviderError", code: "ERR_INVALID_KEY" }), 78],
    ["a missing key", ended("uncaught", { name: "ConfigError", code: "ERR_MISSING_KEY" }), 78],
    ["a denied use", ended("uncaught", { name: "PermissionError", code: "ERR_PERMISSION" }), 77],
    ["an audit that cannot be written", ended("uncaught", { name: "PermissionError", code: "ERR_AUDIT" }), 78],
    ["a request that was not recorded", ended("uncaught", { name: "ReplayError", code: "ERR_REPLAY_MISS" }), 79],
    ["a spent budget", ended("uncaught", { name: "LimitError", code: "ERR_LIMIT_COST" }), 125],
    [
      "an error of the script's own that claims a code",
      ended("uncaught", { name: "ProviderError", code: "ERR_RATE_LIMIT", fromHost: false }),
      1,
    ],
  ])("gives %s its exit code", async (_, outcome, code) => {
    expect(await exitCodeOf(outcome)).toBe(code);
  });
});
