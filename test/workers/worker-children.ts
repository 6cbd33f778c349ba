import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("counting-worker.ts", import.meta.url));

/** Workers in processes of their own, and what their scripts have counted. */
export class WorkerChildren implements Disposable {
  readonly #address: string;
  readonly #maxLost: number;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "geppetto-counts-"));
  readonly #children = new Set<ChildProcess>();
  #serial = 0;

  constructor(address: string, { maxLost = 3 }: { maxLost?: number } = {}) {
    this.#address = address;
    this.#maxLost = maxLost;
  }

  get running(): ChildProcess[] {
    return [...this.#children];
  }

  async start(): Promise<ChildProcess> {
    const args = [PROGRAM, this.#address, this.#folder, `w${++this.#serial}`, String(this.#maxLost)];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"], detached: true });
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
    return child;
  }

  /** How often each thing was done that a script has counted: by execution and number. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const file of readdirSync(this.#folder)) {
      const what = readFileSync(join(this.#folder, file), "utf8");
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
    return counts;
  }

  [Symbol.dispose](): void {
    for (const { pid } of this.#children) {
      try {
        // With its guests.
        process.kill(-pid!, "SIGKILL");
      } catch {
        // It is gone.
      }
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
