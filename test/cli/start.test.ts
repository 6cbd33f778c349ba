import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const cli = join(import.meta.dirname, "../../dist/cli");
const folder = mkdtempSync(join(tmpdir(), "geppetto-start-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the command line prints, and which of Node's modules it has loaded beyond those that Node itself starts with. */
function loadedBy(
  main: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { out: string; loaded: string[] } {
  const list = join(folder, "loaded.txt");
  const observer = join(folder, "observer.cjs");
  writeFileSync(
    observer,
    `const own = new Set(process.moduleLoadList);
    process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(list)},
      JSON.stringify(process.moduleLoadList.filter((name) => !own.has(name)).map((name) => name.replace("NativeModule ", "")))));`,
  );
  const out = execFileSync(process.execPath, ["--require", observer, main, ...args], {
    encoding: "utf8",
    // Where tests keep what Node has compiled is not where users do.
    env: { ...process.env, NODE_COMPILE_CACHE: undefined, ...env },
  });
  return { out, loaded: JSON.parse(readFileSync(list, "utf8")) as string[] };
}

/** The CPU time of programs of Node's in the system's ticks, each started several times, by turns: a machine is not always as fast. */
function cpuOf(...programs: (readonly string[])[]): number[] {
  // It counts as its parent has buried it.
  const ticks = (): number => {
    const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]!.split(" ");
    return Number(fields[13]) + Number(fields[14]);
  };
  const took = programs.map(() => 0);
  for (let i = 0; i < 12; i++) {
    for (const [k, args] of programs.entries()) {
      const before = ticks();
      execFileSync(process.execPath, args);
      took[k]! += ticks() - before;
    }
  }
  return took;
}

const HEAVY = ["child_process", "crypto", "readline", "sqlite", "worker_threads", "http", "v8"];

test("the program is found by the path that it had at first", () => {
  const versions = ["main.cjs", "main.js"].map((name) =>
    execFileSync(process.execPath, [join(cli, name), "--version"], { encoding: "utf8" }),
  );
  expect(versions[0]).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(versions[1]).toBe(versions[0]);
});

describe("The command line", () => {
  test.each([["--version"], ["--help"]])("loads nothing heavy for %s", (flag) => {
    const { out, loaded } = loadedBy(join(cli, "main.cjs"), [flag]);
    expect(out).not.toBe("");
    for (const name of HEAVY) expect(loaded).not.toContain(name);
  });

  test.skipIf(process.platform !== "linux")(
    "takes at most two and a half times as much CPU for --help as Node itself",
    () => {
      const [help = 0, node = 0] = cpuOf([join(cli, "main.cjs"), "--help"], ["-e", "0"]);
      expect(help / node).toBeLessThan(2.5);
    },
  );

  test("loads no database, prompt or worker for a script that needs none", () => {
    const script = join(folder, "hello.js");
    writeFileSync(script, 'console.log("hello");');
    const { out, loaded } = loadedBy(join(cli, "main.cjs"), ["run", "--no-log", script]);
    expect(out).toBe("hello\n");
    for (const name of ["sqlite", "readline", "worker_threads", "http", "v8", "zlib"])
      expect(loaded).not.toContain(name);
  });

  test("has machine code from the build for this version of V8", () => {
    expect(readdirSync(cli)).toContain(`program-${process.versions.v8}.cache`);
  });

  describe("on another version of V8", () => {
    const program = join(folder, "package/dist/cli");
    mkdirSync(program, { recursive: true });
    for (const file of readdirSync(cli)) if (file.endsWith(".cjs")) copyFileSync(join(cli, file), join(program, file));
    copyFileSync(join(cli, "../../package.json"), join(folder, "package/package.json"));

    test("keeps machine code where only its user can write", () => {
      const cache = join(folder, "own");
      const { out } = loadedBy(join(program, "main.cjs"), ["--help"], { XDG_CACHE_HOME: cache });
      expect(out).toContain("Usage: geppetto-js");
      expect(readdirSync(join(cache, "geppetto-js/compiled"))).toHaveLength(1);
    });

    test.skipIf(process.platform === "win32").each([
      ["of the cache", ""],
      ["in it", "geppetto-js"],
      ["of machine code", "geppetto-js/compiled"],
    ])("takes none where others can write to the folder %s", (_, shared) => {
      const cache = mkdtempSync(join(folder, "shared-"));
      mkdirSync(join(cache, "geppetto-js/compiled"), { recursive: true });
      chmodSync(join(cache, shared), 0o777);
      const { out } = loadedBy(join(program, "main.cjs"), ["--help"], { XDG_CACHE_HOME: cache });
      expect(out).toContain("Usage: geppetto-js");
      expect(readdirSync(join(cache, "geppetto-js/compiled"))).toHaveLength(0);
    });
  });
});
