import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "../examples/document-blocks.ts";

/** The compilers that the types are promised for, by the names of their packages here. */
export const COMPILERS = ["typescript-5.7", "typescript-5.9", "typescript"] as const;

/** A folder as a user of geppetto-js has it, with a compiler. */
export class TypeProject implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "geppetto-types-"));

  constructor(files: Readonly<Record<string, string>>) {
    const modules = join(this.path, "node_modules");
    mkdirSync(modules);
    for (const name of readdirSync(join(root, "node_modules"))) {
      if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(modules, name));
    }
    symlinkSync(root, join(modules, "geppetto-js"));
    for (const [name, text] of Object.entries({ "package.json": '{ "type": "module" }', ...files })) {
      mkdirSync(dirname(join(this.path, name)), { recursive: true });
      writeFileSync(join(this.path, name), text);
    }
  }

  /** What the compiler says: "" where nothing is wrong. */
  check(compiler: string, compilerOptions: object): Promise<string> {
    const config = { compilerOptions: { noEmit: true, ...compilerOptions }, exclude: ["node_modules"] };
    writeFileSync(join(this.path, "tsconfig.json"), JSON.stringify(config));
    const tsc = join(root, "node_modules", compiler, "bin/tsc");
    const child = spawn(process.execPath, [tsc, "-p", "."], { cwd: this.path });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", () => resolve(said));
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}
