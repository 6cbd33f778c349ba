import { createHash } from "node:crypto";
import { mkdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { type CliOptions, type CliResult, runCli, ScriptFolder } from "./run-cli.ts";

/** A folder to work in, with a `geppetto.yaml` and a user's own configuration beside it. */
export class ConfigFolder extends ScriptFolder {
  readonly configHome: string = join(this.path, "config-home");

  /** Writes the folder's `geppetto.yaml`, which the user trusts. */
  project(yaml: string): void {
    this.foreign(yaml);
    this.#makeConfig();
    const trusted = { [realpathSync(this.path)]: createHash("sha256").update(yaml).digest("hex") };
    this.file("config-home/geppetto-js/trust.json", JSON.stringify(trusted));
  }

  /** Writes the folder's `geppetto.yaml`, which nobody has trusted. */
  foreign(yaml: string): void {
    this.file("geppetto.yaml", yaml);
  }

  /** Writes the user's own configuration. */
  user(yaml: string): void {
    this.#makeConfig();
    this.file("config-home/geppetto-js/config.yaml", yaml);
  }

  get keysFile(): string {
    return join(this.configHome, "geppetto-js", "keys.json");
  }

  /** The permission bits of a file. */
  modeOf(path: string): number {
    return statSync(path).mode & 0o777;
  }

  /** Runs the command line in this folder. */
  cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    const env = { XDG_CONFIG_HOME: this.configHome, ...options.env };
    return runCli(args, { cwd: this.path, ...options, env });
  }

  #makeConfig(): void {
    mkdirSync(join(this.configHome, "geppetto-js"), { recursive: true, mode: 0o700 });
  }
}
