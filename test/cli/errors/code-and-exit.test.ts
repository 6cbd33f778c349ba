import { afterAll, describe, expect, it } from "vitest";
import { ERROR_GROUPS, findError } from "../../../src/errors/error-catalogue.ts";
import { exitCodeOf } from "../../../src/errors/exit-code-of.ts";
import { EXIT } from "../../../src/errors/exit-codes.ts";
import type { ScriptEnd, ScriptOutcome } from "../../../src/index.ts";
import { ScriptReports } from "./script-reports.ts";

const reports = new ScriptReports();
afterAll(() => reports[Symbol.asyncDispose]());

const CODES = ERROR_GROUPS.flatMap(({ errors }) => Object.entries(errors));

/** How errors of a name end. */
const BY_NAME: Readonly<Record<string, readonly number[]>> = {
  ConfigError: [EXIT.config],
  PermissionError: [EXIT.permission],
  LimitError: [EXIT.time, EXIT.limit],
  ReplayError: [EXIT.replay],
  ProviderError: [EXIT.provider, EXIT.rateLimit],
};
/** Those that end otherwise: the command line's own list of exit codes has a better one for them. */
const OTHERWISE: Readonly<Record<string, number>> = {
  ERR_TEST_PATH: EXIT.noFile,
  ERR_INVALID_KEY: EXIT.config,
  ERR_CASSETTE: EXIT.config,
  ERR_AUDIT: EXIT.config,
  ERR_LIMIT_IMPORT: EXIT.load,
  // A value that cannot be copied is no limit of time, memory or money.
  ERR_LIMIT_MESSAGE: EXIT.uncaught,
  ERR_THRESHOLD: EXIT.uncaught,
};

function ended(end: ScriptEnd, code: string, fromHost: boolean): ScriptOutcome {
  const error = { name: findError(code)!.name, message: "", isTransient: false, code, fromHost };
  return { ok: false, end, error, stats: { durationMs: 1, cpuMs: 1, turns: 1 } };
}

describe("the exit code of an error", () => {
  it.each(CODES)("%s is what its name and the list of exit codes say", (code, { name, exit }) => {
    const usual = BY_NAME[name];
    if (exit === undefined || usual === undefined) return expect(OTHERWISE[code]).toBeUndefined();
    expect(OTHERWISE[code] === undefined ? usual : [OTHERWISE[code]]).toContain(exit);
  });

  it.each(CODES)(
    "%s is that of the catalogue where it comes from the host, wherever it ends the script",
    async (code, entry) => {
      for (const end of ["uncaught", "limit", "stalled"] as const) {
        expect(await exitCodeOf(ended(end, code, true))).toBe(entry.exit ?? EXIT.uncaught);
        expect(await exitCodeOf(ended(end, code, false))).toBe(EXIT.uncaught);
      }
      if (entry.exit !== undefined) expect(await exitCodeOf(ended("load", code, true))).toBe(entry.exit);
    },
  );

  it.each([
    ["a secret that is not configured", "secrets.NOPE"],
    ["one in a template", "`Bearer ${secrets.NOPE}`"],
    ["a server that is not configured", "mcp.nope"],
    ["a tool of one", "await mcp.nope.tool({})"],
    ["a missing permission", 'await fetch("https://example.com")'],
    ["a model that fails", 'await chat("error: 500")'],
    ["a rate limit", 'await chat("error: 429")'],
    ["too many timers", "for (let i = 0; i < 20_000; i++) setTimeout(() => {}, 1e6)"],
    ["a wrong argument", "store.get(5)"],
    ["an unknown model", 'await chat("hi", { provider: "opnai" })'],
  ])("is that of its code: %s", async (_, code) => {
    const { outcome, exitCode } = await reports.of(code);
    const { code: found = "" } = outcome.error!;
    expect(found).toMatch(/^ERR_/);
    expect(exitCode).toBe(findError(found)?.exit);
  });

  it("is 78 for a secret that is not configured", async () => {
    const { outcome, exitCode } = await reports.of("secrets.NOPE");
    expect([outcome.error?.name, outcome.error?.code, exitCode]).toEqual(["ConfigError", "ERR_CONFIG", 78]);
    // Whoever catches it goes on.
    expect((await reports.of("try { secrets.NOPE } catch {}")).exitCode).toBe(0);
    // An error of the script's own is none of the host's.
    const own = `const e = new Error("Cannot use secrets.X: mine"); e.name = "ConfigError"; e.code = "ERR_CONFIG"; throw e;`;
    expect((await reports.of(own)).exitCode).toBe(1);
  });
});
