import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dropSpares, prestart, takeChild, type Child, type Hardening } from "../../src/sandbox/child.ts";
import { SECRET } from "./attack.ts";

const onLinux = existsSync("/proc/self/environ");
if (!onLinux) console.warn("SKIPPED: what a child has is read from /proc, which only Linux has");

/** What code that has broken out of its isolate would try; each must fail. Prints what succeeded. */
const PROBE = `
  const fs = require("node:fs");
  const tries = {
    "read /etc/passwd": () => fs.readFileSync("/etc/passwd"),
    "list /": () => fs.readdirSync("/"),
    "read the package's own sources": () => fs.readFileSync(CWD + "/package.json"),
    "read the host's environment": () => fs.readFileSync("/proc/" + process.ppid + "/environ"),
    "read its own memory map": () => fs.readFileSync("/proc/self/maps"),
    "write to the temporary folder": () => fs.writeFileSync("/tmp/geppetto-probe", "x"),
    "make a link": () => fs.symlinkSync("/etc/passwd", "/tmp/geppetto-probe-link"),
    "start a process": () => require("node:child_process").execFileSync("/bin/true"),
    "start a worker": () => new (require("node:worker_threads").Worker)("1", { eval: true }),
    "open the inspector": () => require("node:inspector").open(0),
    "load WASI": () => new (require("node:wasi").WASI)({ version: "preview1", preopens: { "/": "/" } }),
    "find a secret in the environment": () => { if (JSON.stringify(process.env) === "{}") throw new Error("empty"); },
    "find a secret in its arguments": () => { if (!process.argv.concat(process.execArgv).join().includes("canary")) throw new Error("none"); },
  };
  const done = [];
  for (const [name, attempt] of Object.entries(tries)) { try { attempt(); done.push(name); } catch {} }
  const socket = (() => { try { return require("node:net").connect(PORT, "127.0.0.1"); } catch { return undefined; } })();
  const end = (connected) => { if (connected) done.push("connect"); console.log(JSON.stringify(done)); process.kill(process.pid, "SIGKILL"); };
  if (socket === undefined) end(false);
  else socket.on("connect", () => end(true)).on("error", () => end(false));
  setTimeout(() => end(false), 2000);`;

function argumentsOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
}

/** Waits until the shell that sets a strict child's limits has become Node. */
async function settled(child: Child): Promise<number> {
  const pid = child.process.pid!;
  await expect.poll(() => argumentsOf(pid)[0]).toBe(process.execPath);
  return pid;
}

/** What a process has open that is neither a pipe nor Node's own. */
function foreignDescriptors(pid: number): string[] {
  const names: string[] = [];
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      names.push(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      // It has been closed meanwhile.
    }
  }
  // While it starts, Node reads the certificates that this variable names, and hands the file down to who is started then.
  const { NODE_EXTRA_CA_CERTS: certificates } = process.env;
  return names.filter((name) => !/^(socket|pipe|anon_inode|\/dev\/null)/.test(name) && name !== certificates);
}

async function output(child: ChildProcess): Promise<string> {
  let text = "";
  child.stdout!.setEncoding("utf8").on("data", (part: string) => (text += part));
  await once(child, "close");
  return text;
}

describe.skipIf(!onLinux).each<Hardening>(["standard", "strict"])("a child with %s hardening", (hardening) => {
  let folder: string;

  beforeAll(() => {
    process.env["GEPPETTO_CANARY"] = SECRET;
    folder = mkdtempSync(join(tmpdir(), "geppetto-probe-"));
  });

  afterAll(() => {
    dropSpares();
    rmSync(folder, { recursive: true, force: true });
  });

  it("has an empty environment, no descriptors but pipes, no folder and a process group of its own", async () => {
    const child = takeChild({ hardening, memoryMB: 64 });
    const pid = await settled(child);
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
    expect(environment).toEqual([]);
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
    // While it starts, Node may be reading files of the system's.
    await expect.poll(() => foreignDescriptors(pid)).toEqual([]);
    expect(Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")[2])).toBe(pid);
    child.process.kill("SIGKILL");
    await once(child.process, "exit");
  });

  it("can do nothing to the system, even where the guest is out of its isolate", async () => {
    const child = takeChild({ hardening, memoryMB: 64 });
    const pid = await settled(child);
    const [command, ...args] = argumentsOf(pid);
    child.process.kill("SIGKILL");
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const probe = join(folder, "probe.cjs");
    const port = (server.address() as AddressInfo).port;
    writeFileSync(probe, PROBE.replace("PORT", String(port)).replaceAll("CWD", JSON.stringify(process.cwd())));
    // What comes after the flags is its own file and what that is told.
    const flags = [...args.filter((arg) => arg.startsWith("--")), `--allow-fs-read=${probe}`, probe];
    const done = JSON.parse(
      await output(spawn(command!, flags, { env: {}, stdio: ["ignore", "pipe", "ignore"] })),
    ) as string[];
    server.close();
    // Before Node 26 the permission model leaves the network alone.
    const known = Number(process.versions.node.split(".")[0]) < 26 ? ["connect"] : [];
    expect(done).toEqual(known);
  });

  it(`takes ${hardening === "strict" ? "its limits from the system" : "no limits from the system"}`, async () => {
    prestart(1, { hardening, memoryMB: 64 });
    const child = takeChild({ hardening, memoryMB: 64 });
    const pid = await settled(child);
    const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
    const soft = (name: string): string => new RegExp(`${name}\\s+(\\S+)`).exec(limits)![1]!;
    if (hardening === "strict") {
      expect([soft("Max data size"), soft("Max cpu time"), soft("Max core file size")]).toEqual([
        String(262_144 * 1024),
        "600",
        "0",
      ]);
      expect(argumentsOf(pid)).toContain("--jitless");
    } else expect(soft("Max data size")).toBe("unlimited");
    child.process.kill("SIGKILL");
    await once(child.process, "exit");
  });
});
