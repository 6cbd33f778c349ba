// Small programs in Go, where there is a Go.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What runs a program of bench/peers and gives the number that it prints; undefined where it cannot be built. */
export function goPeer(name) {
  const folder = mkdtempSync(join(tmpdir(), "geppetto-peer-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, name);
  const cwd = fileURLToPath(new URL(`peers/${name}`, import.meta.url));
  // What it needs of others is fetched the first time, where there is a network.
  const source = existsSync(join(cwd, "go.mod")) ? "." : "main.go";
  const built = spawnSync("go", ["build", "-o", program, source], { cwd, stdio: "ignore" });
  if (built.error !== undefined || built.status !== 0) return undefined;
  return (...args) => Number(execFileSync(program, args.map(String), { encoding: "utf8" }));
}
