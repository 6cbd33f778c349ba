import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { bundlerProgram } from "../../src/modules/bundler-program.ts";

describe("bundlerProgram()", () => {
  it("finds the program of this platform, in the version that is built for", async () => {
    const { version } = await import("esbuild");
    expect(execFileSync(bundlerProgram(), ["--version"], { encoding: "utf8" }).trim()).toBe(version);
  });

  it("names the package that an install has left out", () => {
    expect(() => bundlerProgram("linux", "pdp11")).toThrow(
      expect.objectContaining({
        code: "ERR_ENGINE_START",
        message:
          "Cannot read modules and TypeScript: the package @esbuild/linux-pdp11 is not there; install geppetto-js anew on this machine, without --omit=optional",
      }) as Error,
    );
  });
});
