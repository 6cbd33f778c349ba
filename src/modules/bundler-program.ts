import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { GeppettoError } from "../shared/errors.ts";

const { resolve } = createRequire(import.meta.url);

/**
 * The file of the program that reads modules, esbuild's: its packages hold it for a platform each, and an install brings
 * the one of this machine.
 *
 * @throws {GeppettoError} StepError ERR_ENGINE_START where it is not there.
 */
export function bundlerProgram(platform: string = process.platform, arch: string = process.arch): string {
  const name = `@esbuild/${platform}-${arch}`;
  try {
    const file = resolve(`${name}/${platform === "win32" ? "esbuild.exe" : "bin/esbuild"}`);
    if (existsSync(file)) return file;
  } catch {
    // The package is not there, or not whole.
  }
  const message = `Cannot read modules and TypeScript: the package ${name} is not there; install geppetto-js anew on this machine, without --omit=optional`;
  throw new GeppettoError("StepError", message, { code: "ERR_ENGINE_START" });
}
