import { spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Child } from "../../src/sandbox/child.ts";

/** The children that stand in for real ones, and the lie that the next one tells. */
export const spawned: { lie: string; children: Child[] } = { lie: "", children: [] };

/** Starts one, in place of `takeChild`. */
export function takeFakeChild(): Child {
  const script = fileURLToPath(new URL("fake-child.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, spawned.lie], { stdio: ["pipe", "ignore", "pipe", "pipe"] });
  const { stdin, stderr, stdio } = child;
  const made = { process: child, stdin: stdin!, stderr: stderr!, talk: stdio[3] as Duplex };
  spawned.children.push(made);
  return made;
}
