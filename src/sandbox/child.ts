import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import type { Duplex, Readable, Writable } from "node:stream";

/** A package's folder as its importer finds it, which may be a link, and as it really is. */
function packageFolders(name: string, importer: string): { linked: string; real: string } {
  for (let folder = dirname(importer); folder !== dirname(folder); folder = dirname(folder)) {
    const linked = join(folder, "node_modules", name);
    if (existsSync(linked)) return { linked, real: realpathSync(linked) };
  }
  throw new Error(`Cannot find the package ${name}: is it installed?`);
}

/**
 * Arguments that take from the child all that Node's permission model can take: it may read its own file and the addon,
 * and has no network (from Node 26 on), no children and no workers.
 */
function childArguments(): string[] {
  const main = createRequire(import.meta.url).resolve("#realm-child");
  const addon = packageFolders("isolated-vm", main);
  const addonLoader = packageFolders("node-gyp-build", join(addon.real, "package.json"));
  const folders = [addon.linked, addon.real, addonLoader.linked, addonLoader.real];
  // The addon's loader stats this file to tell musl from glibc.
  const readable = [main, ...folders.flatMap((folder) => [folder, join(folder, "*")]), "/etc/alpine-release"];
  return [
    "--permission",
    "--allow-addons",
    ...new Set(readable.map((path) => `--allow-fs-read=${path}`)),
    "--disable-warning=PERM0001",
    "--disable-warning=SecurityWarning",
    main,
  ];
}

let spawnArguments: string[] | undefined;
const spares: Child[] = [];

/** A child process with its pipes: messages in and out, its last words, and the guest's ops. */
export interface Child {
  process: ChildProcess;
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  ops: Duplex;
}

/** Starts a child that holds nothing: an empty environment, no descriptors but four pipes, its own process group. */
function startChild(): Child {
  spawnArguments ??= childArguments();
  const child = spawn(process.execPath, spawnArguments, {
    env: {},
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    detached: true,
  });
  const { stdin, stdout, stderr, stdio } = child;
  const started: Child = { process: child, stdin: stdin!, stdout: stdout!, stderr: stderr!, ops: stdio[3] as Duplex };
  setReferenced(started, false);
  return started;
}

/** Says whether the child keeps this process alive. Either way it ends with it: then its pipes close. */
export function setReferenced(child: Child, referenced: boolean): void {
  const verb = referenced ? "ref" : "unref";
  child.process[verb]();
  for (const pipe of pipesOf(child)) (pipe as Socket)[verb]();
}

export function pipesOf({ stdin, stdout, stderr, ops }: Child): (Readable | Writable)[] {
  return [stdin, stdout, stderr, ops];
}

/**
 * Starts children ahead of their use, so that the next process realms start sooner. Each serves one realm only.
 *
 * @param count how many to have ready, at most 16
 */
export function prestart(count = 1): void {
  while (spares.length < Math.min(count, 16)) {
    const child = startChild();
    spares.push(child);
    const forget = (): void => {
      const at = spares.indexOf(child);
      if (at >= 0) spares.splice(at, 1);
    };
    child.process.once("exit", forget);
    child.process.once("error", forget);
  }
}

/** A fresh child: one that was started ahead, or a new one. It does not keep this process alive. */
export function takeChild(): Child {
  return spares.shift() ?? startChild();
}
