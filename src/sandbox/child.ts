import type { ChildProcess, StdioOptions } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import type { Duplex, Readable, Writable } from "node:stream";
import { startProcess, tieToParent } from "../base/start-process.ts";
import { runtimeFolder } from "./runtime-text.ts";

/** The folder of a package that `importer` imports, as it really is: a child may read no link on the way to it. */
function packageFolder(name: string, importer: string): string {
  for (let folder = dirname(importer); folder !== dirname(folder); folder = dirname(folder)) {
    const linked = join(folder, "node_modules", name);
    if (existsSync(linked)) return realpathSync(linked);
  }
  throw new Error(`Cannot find the package ${name}: is it installed?`);
}

/** Says, as the addon's own loader has it, that this system's C library is musl. */
const ALPINE = "/etc/alpine-release";

/**
 * The addon's file for this Node, where it was delivered ready: found here, it is there 3 ms sooner than by its loader.
 * Otherwise the package, whose loader finds what was built for this machine.
 */
function addonMain(folder: string): string {
  const { platform, arch, versions } = process;
  const libc = platform === "linux" ? (existsSync(ALPINE) ? ".musl" : ".glibc") : "";
  const file = join(folder, "prebuilds", `${platform}-${arch}`, `isolated-vm.abi${versions.modules}${libc}.node`);
  return !existsSync(join(folder, "build")) && existsSync(file) ? file : folder;
}

/**
 * Arguments that take from the child all that Node's permission model can take: it may read its own files and the addon,
 * and has no network (from Node 26 on), no children and no workers.
 */
function childArguments(): string[] {
  const main = createRequire(import.meta.url).resolve("#realm-child");
  const addon = packageFolder("isolated-vm", main);
  const addonLoader = packageFolder("node-gyp-build", join(addon, "package.json"));
  const folders = [addon, addonLoader];
  const readable = [
    main,
    join(runtimeFolder(), "*"),
    ...folders.flatMap((folder) => [folder, join(folder, "*")]),
    ALPINE,
  ];
  return [
    "--permission",
    "--allow-addons",
    ...new Set(readable.map((path) => `--allow-fs-read=${path}`)),
    "--disable-warning=PERM0001",
    "--disable-warning=SecurityWarning",
    main,
    addonMain(addon),
    runtimeFolder(),
  ];
}

export type Hardening = "standard" | "strict";

/** What a strict child is made with. Children with the same are interchangeable. */
export interface ChildOptions {
  hardening: Hardening;
  /** The guest's heap, in MB: the system's limit on a strict child's memory follows from it. */
  memoryMB: number;
}

const STANDARD: ChildOptions = { hardening: "standard", memoryMB: 0 };

/** What a strict child may have of private memory with the least of heaps, in KB, and on top for each MB beyond. */
const STRICT_DATA_KB = 262_144;
const STRICT_HEAP_MB = 64;
/** A backstop behind the engine's own limits: what the system gives a strict child of CPU time. */
const STRICT_CPU_SECONDS = 600;

/** The heap for which a child that is started ahead makes its realm. */
const DEFAULT_MEMORY_MB = 128;

let baseArguments: string[] | undefined;

/** Does the system end the children with this process, whatever they are doing? */
export function areChildrenTied(): boolean {
  return tieToParent().length > 0;
}

/** The command for a child; a strict one goes through the shell, which sets the limits before Node starts. */
function childCommand({ hardening, memoryMB }: ChildOptions): readonly string[] {
  baseArguments ??= childArguments();
  const flags = hardening === "strict" ? ["--jitless"] : [];
  const heapMB = String(memoryMB === 0 ? DEFAULT_MEMORY_MB : memoryMB);
  const node = [process.execPath, ...flags, ...baseArguments, heapMB];
  if (hardening === "standard" || process.platform !== "linux" || !existsSync("/bin/sh"))
    return [...tieToParent(), ...node];
  const dataKB = STRICT_DATA_KB + Math.max(0, memoryMB - STRICT_HEAP_MB) * 1024;
  const limits = `ulimit -c 0 && ulimit -d ${dataKB} && ulimit -t ${STRICT_CPU_SECONDS}`;
  // The shell has put its folder and more into the environment.
  const bare = existsSync("/usr/bin/env") ? "/usr/bin/env -i" : "";
  return ["/bin/sh", "-c", `${limits} && exec ${bare} "$0" "$@"`, ...tieToParent(), ...node];
}

/** Children started ahead, by what they were made with. */
export type SpareChildren = Map<string, Child[]>;

let spares: SpareChildren = new Map();

/** Those that this copy of the module has started, for another copy of it. */
export function spareChildren(): SpareChildren {
  return spares;
}

/** Takes those that another copy of this module has started, in the place of its own. */
export function useSpares(given: SpareChildren): void {
  spares = given;
}

/** A child process with its pipes. */
export interface Child {
  process: ChildProcess;
  /** What it is to do. */
  stdin: Writable;
  /** Its last words. */
  stderr: Readable;
  /** All that it says, in order, and the answers to what its guest asks. */
  talk: Duplex;
}

/** Starts a child that holds nothing: an empty environment, no descriptors but three pipes, its own process group. */
function startChild(options: ChildOptions): Child {
  const [command = process.execPath, ...args] = childCommand(options);
  const stdio: StdioOptions = ["pipe", "ignore", "pipe", "pipe"];
  const child = startProcess("the guest", command, args, { env: {}, cwd: "/", stdio, detached: true });
  const started: Child = { process: child, stdin: child.stdin!, stderr: child.stderr!, talk: child.stdio[3] as Duplex };
  setReferenced(started, false);
  return started;
}

/** Says whether the child keeps this process alive. Either way it ends with it: then its pipes close. */
export function setReferenced(child: Child, referenced: boolean): void {
  const verb = referenced ? "ref" : "unref";
  child.process[verb]();
  for (const pipe of pipesOf(child)) (pipe as Socket)[verb]();
}

export function pipesOf({ stdin, stderr, talk }: Child): (Readable | Writable)[] {
  return [stdin, stderr, talk];
}

function sparesFor(options: ChildOptions): Child[] {
  const key = JSON.stringify(options.hardening === "strict" ? options : STANDARD);
  const list = spares.get(key) ?? [];
  spares.set(key, list);
  return list;
}

/** Most children that are kept ready of one kind. */
const MAX_SPARES = 64;

/**
 * Starts children ahead of their use, so that the next process realms start sooner. Each serves one realm only.
 *
 * @param count how many to have ready, at most 64
 */
export function prestart(count = 1, options: ChildOptions = STANDARD): void {
  const ready = sparesFor(options);
  while (ready.length < Math.min(count, MAX_SPARES)) {
    let child: Child;
    try {
      child = startChild(options);
    } catch {
      // Whoever needs one is told.
      return;
    }
    ready.push(child);
    const forget = (): void => {
      const at = ready.indexOf(child);
      if (at >= 0) ready.splice(at, 1);
    };
    child.process.once("exit", forget);
    child.process.once("error", forget);
  }
}

/** A fresh child: one that was started ahead, or a new one. It does not keep this process alive. */
export function takeChild(options: ChildOptions = STANDARD): Child {
  return sparesFor(options).shift() ?? startChild(options);
}

/** Ends a child of a kind that is ready and not used, if there is one. */
export function dropSpare(options: ChildOptions = STANDARD): void {
  sparesFor(options).pop()?.process.kill("SIGKILL");
}

/** Ends the children that are ready and not used. */
export function dropSpares(): void {
  for (const list of spares.values()) for (const child of list.splice(0)) child.process.kill("SIGKILL");
}
