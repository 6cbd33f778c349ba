import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Block, root } from "./document-blocks.ts";

/** What a reader types where a command asks for something. */
const TYPED = "a-stored-key\n";

/** Longest time of one block, in milliseconds: one that hangs is to fail with what it has printed. */
const BLOCK_MS = 60_000;

export interface BlockResult {
  /** The exit code, or the signal that ended it. */
  code: number | string;
  stdout: string;
  stderr: string;
}

export interface DocumentFolderOptions {
  /** Where both vendors' models answer. */
  modelURL: string;
  /** Where a server of the reader's may listen. */
  port: number;
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/**
 * A folder like that of a reader who follows a document: geppetto-js is installed, the files that the document names
 * are there, the reader has keys, and a server answers in the place of both vendors.
 */
export class DocumentFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), "geppetto-docs-"));
  readonly #env: Record<string, string>;

  constructor(blocks: readonly Block[], { modelURL, port }: DocumentFolderOptions) {
    const { PATH = "", XDG_CACHE_HOME = "", NODE_COMPILE_CACHE = "" } = process.env;
    const bin = join(this.path, ".bin");
    this.#env = {
      PATH: `${bin}:${PATH}`,
      HOME: join(this.path, ".home"),
      // What is the same for all readers is put together and compiled once.
      XDG_CACHE_HOME,
      NODE_COMPILE_CACHE,
      PORT: String(port),
      OPENAI_API_KEY: "a-key",
      OPENAI_BASE_URL: `${modelURL}/v1`,
      ANTHROPIC_API_KEY: "a-key",
      ANTHROPIC_BASE_URL: modelURL,
    };
    this.#install(bin);
    for (const { title, code } of blocks) if (title !== undefined) writeFileSync(join(this.path, title), code);
  }

  /** Runs a block as its reader would: a script on the command line, host code with Node, commands in a shell. */
  run({ language, code }: Block): Promise<BlockResult> {
    if (language === "sh") return this.#start("sh", ["-e", "-c", code], TYPED);
    if (language === "js") return this.#start("geppetto-js", ["run", "-q", "-"], code);
    return this.#start(process.execPath, ["--input-type=module-typescript", "-e", code], "");
  }

  /** What the compiler says of host code that is checked as strictly as this project: "" where nothing is wrong. */
  async checkTypes(blocks: readonly Block[]): Promise<string> {
    const files = blocks.map(({ place, code }) => {
      const file = `${place.replaceAll(/\W+/g, "-")}.mts`;
      writeFileSync(join(this.path, file), code);
      return file;
    });
    const tsconfig = {
      extends: join(root, "tsconfig.json"),
      compilerOptions: { noUnusedLocals: false },
      files,
      include: [],
    };
    writeFileSync(join(this.path, "tsconfig.json"), JSON.stringify(tsconfig));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    return (await this.#start(process.execPath, [tsc, "-p", this.path], "")).stdout;
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }

  #install(bin: string): void {
    const modules = join(this.path, "node_modules");
    for (const folder of [bin, modules, this.#env["HOME"]!]) mkdirSync(folder);
    for (const name of readdirSync(join(root, "node_modules"))) {
      if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(modules, name));
    }
    symlinkSync(root, join(modules, "geppetto-js"));
    const main = join(root, "dist/cli/main.cjs");
    writeFileSync(join(bin, "geppetto-js"), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`, { mode: 0o755 });
    writeFileSync(join(bin, "npx"), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
  }

  #start(command: string, args: readonly string[], input: string): Promise<BlockResult> {
    const { promise, resolve, reject } = Promise.withResolvers<BlockResult>();
    const child = spawn(command, args, { cwd: this.path, env: this.#env, timeout: BLOCK_MS, detached: true });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", reject);
    // A block that fails may leave a server behind, which would hold the streams open.
    child.on("exit", () => endGroup(child.pid!));
    child.on("close", (code, signal) => resolve({ code: code ?? signal ?? -1, stdout, stderr }));
    // A command that reads nothing may be gone before it could.
    child.stdin.on("error", () => {}).end(input);
    return promise;
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing of it is left.
  }
}
