import fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { EngineLimits, PermissionOptions, PermissionUse, ScriptOutcome } from "../../src/index.ts";
import { withEngine } from "../engine/engine-harness.ts";

export interface RunOptions {
  permissions?: PermissionOptions;
  isolation?: "thread" | "process";
  limits?: Partial<EngineLimits>;
  onPermission?: (use: PermissionUse) => void;
}

/** A folder of modules that is gone after the test. */
export class ModuleFolder implements Disposable {
  readonly path: string = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "modules-")));

  constructor(files: Record<string, string> = {}) {
    this.put(files);
  }

  put(files: Record<string, string>): void {
    for (const [name, text] of Object.entries(files)) {
      fs.mkdirSync(dirname(join(this.path, name)), { recursive: true });
      fs.writeFileSync(join(this.path, name), text);
    }
  }

  /** A link at `name` to what lies at `target`, as the link says it. */
  link(name: string, target: string): void {
    fs.mkdirSync(dirname(join(this.path, name)), { recursive: true });
    fs.symlinkSync(target, join(this.path, name));
  }

  /** Runs one of its files. */
  async run(name: string, options: RunOptions = {}): Promise<ScriptOutcome & { printed: string }> {
    let outcome!: ScriptOutcome;
    let printed = "";
    await withEngine({ isolation: "thread", ...options }, async ({ engine, output }) => {
      outcome = await engine.runScript({ file: join(this.path, name) });
      printed = output.out + output.err;
    });
    return { ...outcome, printed };
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.path, { recursive: true });
  }
}
