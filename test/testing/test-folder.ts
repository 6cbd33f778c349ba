import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CliOptions, type CliResult, runCli, ScriptFolder } from "../cli/run-cli.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.cjs", import.meta.url));

/** A folder of scripts that are tested. */
export class TestFolder extends ScriptFolder {
  /** Writes files by their names, which may have folders in them. */
  files(texts: Record<string, string | Buffer>): this {
    for (const [name, text] of Object.entries(texts)) {
      const path = join(this.path, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    return this;
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), "utf8");
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name));
  }

  /** Every file with its bytes and when it was written. */
  state(): Record<string, string> {
    const names = readdirSync(this.path, { recursive: true, encoding: "utf8" }).sort();
    const files = names.filter((name) => statSync(join(this.path, name)).isFile());
    return Object.fromEntries(
      files.map((name) => {
        const path = join(this.path, name);
        return [name, `${statSync(path).mtimeMs} ${readFileSync(path, "base64")}`];
      }),
    );
  }

  /** The command line, started by a shell that does something before it: `ulimit -f 8; exec "$@"`. */
  inShell(command: string, args: readonly string[]): Promise<{ code: number | null; stdout: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ code: number | null; stdout: string }>();
    const { PATH } = process.env;
    const env = { PATH, XDG_CONFIG_HOME: this.path, XDG_CACHE_HOME: this.path };
    const child = spawn("sh", ["-c", command, "sh", process.execPath, MAIN, ...args], { cwd: this.path, env });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout }));
    return promise;
  }

  /** `geppetto-js test` in this folder, on somebody's own machine unless the environment says otherwise. */
  test(args: readonly string[] = [], options: CliOptions = {}): Promise<CliResult> {
    return runCli(["test", ...args], { cwd: this.path, ...options });
  }
}

/** Where nobody listens. */
export const NOWHERE = "http://127.0.0.1:1/v1";
/** The variable that says that nobody looks at what is written. */
export const IN_CI = { CI: "true" };
