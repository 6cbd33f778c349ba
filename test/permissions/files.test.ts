import { execFileSync } from "node:child_process";
import fs, { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GeppettoError } from "../../src/shared/errors.ts";
import { notingPermissions } from "./noting-permissions.ts";
import { timed } from "../machine/machine-watch.ts";

const MAKE_PIPE = "mkfifo";
const MAX_BYTES = 1_000;
const onLinux = existsSync("/proc/self/environ");
if (!onLinux) console.warn("SKIPPED: the system's own files are those of Linux");

/** `open/` may be read; `shut/`, `open-not/` and `secret.txt` beside it may not. */
let folder: string;
beforeAll(() => {
  folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "permissions-")));
  for (const name of ["open/inner", "open-not", "shut"]) fs.mkdirSync(join(folder, name), { recursive: true });
  const put = (name: string, text = name): void => fs.writeFileSync(join(folder, name), text);
  put("open/a.txt");
  put("open/inner/b.txt");
  put("open/%2e%2e%2fsecret.txt", "a strange name");
  put("open/..txt", "dots");
  put("open/large.txt", "x".repeat(MAX_BYTES + 1));
  put("secret.txt");
  put("open-not/c.txt");
  put("shut/d.txt");
  fs.symlinkSync("inner/b.txt", join(folder, "open/link-in.txt"));
  fs.symlinkSync("../secret.txt", join(folder, "open/link-out.txt"));
  fs.symlinkSync("../missing.txt", join(folder, "open/link-nowhere.txt"));
  fs.symlinkSync("../shut", join(folder, "open/link-folder"));
  fs.symlinkSync("link-loop.txt", join(folder, "open/link-loop.txt"));
  fs.symlinkSync("link-out.txt", join(folder, "open/link-to-link.txt"));
  fs.symlinkSync("open", join(folder, "opened"));
  execFileSync(MAKE_PIPE, [join(folder, "open/pipe.txt")]);
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** What reading says: the text, or name and text of the error. */
async function read(path: string, roots: readonly string[] | true = ["open"]): Promise<string> {
  const { permissions } = notingPermissions({ read: roots === true || roots.map((root) => join(folder, root)) });
  permissions.begin("script.js", join(folder, "open"));
  try {
    const tooLarge = (): GeppettoError => new GeppettoError("ConversationError", "too large");
    return (await permissions.readFile(path, MAX_BYTES, tooLarge)).toString();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

function outside(path: string, flag = `--allow-read=${path}`): string {
  return `PermissionError: file access denied: ${path}: it is not below an allowed folder; allow it with ${flag}`;
}

describe("a file below an allowed folder", () => {
  it.each([
    ["a.txt", "open/a.txt"],
    ["./inner/../a.txt", "open/a.txt"],
    ["inner//b.txt", "open/inner/b.txt"],
    ["../open/a.txt", "open/a.txt"],
    ["link-in.txt", "open/inner/b.txt"],
    // Nothing is decoded: this is a name like any other.
    ["%2e%2e%2fsecret.txt", "a strange name"],
    ["..txt", "dots"],
  ])("is read as %s", async (path, text) => {
    expect(await read(path)).toBe(text);
  });

  it("is read where the folder was allowed by a link, or the file by its own name", async () => {
    expect(await read("a.txt", ["opened"])).toBe("open/a.txt");
    expect(await read("../secret.txt", ["open", "secret.txt"])).toBe("secret.txt");
    expect(await read("../secret.txt", ["open/link-out.txt"])).toBe("secret.txt");
  });

  it("is too large as its reader says", async () => {
    expect(await read("large.txt")).toBe("ConversationError: too large");
  });

  it.each([
    ["missing.txt", "there is no such file"],
    ["inner/gone/missing.txt", "there is no such file"],
    // A path is put straight before a link is followed.
    ["link-folder/../secret.txt", "there is no such file"],
    ["inner", "it is not a regular file that can be read"],
    ["", "it is not a file path"],
    ["a.txt\0.png", "it is not a file path"],
    ["file:///etc/passwd", "it is not a file path"],
    ["jar:a.txt", "it is not a file path"],
  ])("is not %j, and the error says why", async (path, why) => {
    expect(await read(path)).toBe(`PermissionError: file access denied: ${path.replace("\0", "?")}: ${why}`);
  });

  it("must not be a pipe, and nobody waits for one", async () => {
    const { result, ms, allow } = await timed(() => read("pipe.txt"));
    expect(result).toMatch(/not a regular file that can be read$/);
    expect(ms).toBeLessThan(allow(1_000));
  });
});

describe("a file that is not allowed", () => {
  it.each([
    "../secret.txt",
    "../missing.txt",
    "../shut",
    "../shut/d.txt",
    "../open-not/c.txt",
    "inner/../../secret.txt",
    "link-out.txt",
    "link-to-link.txt",
    "link-nowhere.txt",
    "link-loop.txt",
    "link-folder/d.txt",
    "link-folder/missing.txt",
    "..",
    "/",
    "/etc/passwd",
    "/no/such/file",
  ])("is denied by one and the same error, whether it exists or not: %s", async (path) => {
    expect(await read(path)).toBe(outside(path));
  });

  it.each([
    ["..\\secret.txt", "'--allow-read=..\\secret.txt'"],
    ["．．/secret.txt", "'--allow-read=．．/secret.txt'"],
    ["~/secret.txt", "'--allow-read=~/secret.txt'"],
  ])("is not reached by another way to write %s", async (path, flag) => {
    // Below the open folder there is nothing of that name.
    expect(await read(path)).toMatch(/there is no such file$/);
    expect(await read(path, ["shut"])).toBe(outside(path, flag));
  });

  it.each([
    ["a$(touch x).png", "'--allow-read=a$(touch x).png'"],
    ["it's.png", "'--allow-read=it'\\''s.png'"],
    ["photos/cat, dog.png", "--allow-read=photos"],
    ["a\n; rm -rf .png", "'--allow-read=a?; rm -rf .png'"],
    ["a\u202Egnp.exe", "'--allow-read=a?gnp.exe'"],
  ])("is named with a flag that is safe to paste: %j", async (path, flag) => {
    expect((await read(path, [])).split("allow it with ")[1]).toBe(flag);
  });

  it("has an error without the host's paths, however long its name is", async () => {
    const told = await read("x".repeat(100_000), []);
    expect(told.length).toBeLessThan(600);
    expect(told).not.toContain(folder);
  });
});

describe.skipIf(!onLinux)("the system's own files", () => {
  const OWN = ["/proc/self/environ", "/proc/self/mem", "/proc/version", "/dev/zero", "/dev/stdin", "/sys/kernel/notes"];

  it.each(OWN)("are denied where any file is allowed: %s", async (path) => {
    for (const roots of [true, ["../../../../../.."]] as const) {
      expect(await read(path, roots)).toMatch(/^PermissionError: file access denied: /);
    }
  });

  it("are no way around: what /proc leads to is judged by where it is", async () => {
    expect(await read(`/proc/self/root${folder}/secret.txt`)).toBe(outside(`/proc/self/root${folder}/secret.txt`));
    expect(await read(`/proc/self/root${folder}/open/a.txt`)).toBe("open/a.txt");
    const fd = fs.openSync(join(folder, "secret.txt"), "r");
    expect(await read(`/proc/self/fd/${fd}`)).toMatch(/^PermissionError/);
    fs.closeSync(fd);
  });

  it("are read where they are named themselves", async () => {
    const { permissions } = notingPermissions({ read: ["/proc/version"] });
    const tooLarge = (): GeppettoError => new GeppettoError("ConversationError", "too large");
    expect((await permissions.readFile("/proc/version", MAX_BYTES, tooLarge)).toString()).toContain("Linux");
  });
});

/** Reads again and again while `swap` is called between any two steps of it, and says what was read. */
async function readWhile(path: string, swap: (turn: number) => void): Promise<Set<string>> {
  let isOver = false;
  const swapping = (async () => {
    for (let turn = 0; !isOver; turn++) {
      swap(turn);
      // Now between two steps of a reading, now between two readings.
      for (let pause = 0; pause <= turn % 11; pause++) await new Promise((next) => setImmediate(next));
    }
  })();
  const seen = new Set<string>();
  for (let i = 0; i < 1_000; i++) seen.add(await read(path));
  isOver = true;
  await swapping;
  return seen;
}

describe("a path that is changed while it is read", () => {
  it.each(["a link", "a file and a link"])("leads nowhere else by turns, where it is %s", async (kind) => {
    const target = join(folder, "open/swapped.txt");
    const seen = await readWhile("swapped.txt", (turn) => {
      fs.rmSync(target, { force: true });
      if (turn % 2 === 0) fs.symlinkSync("../secret.txt", target);
      else if (kind === "a link") fs.symlinkSync("a.txt", target);
      else fs.writeFileSync(target, "open/a.txt");
    });
    const isFine = (text: string): boolean => text === "open/a.txt" || text.startsWith("PermissionError");
    expect([...seen].filter((text) => !isFine(text))).toEqual([]);
    expect(seen).toContain("open/a.txt");
    expect(seen.size).toBeGreaterThan(1);
  });

  it("leads nowhere else where a folder on its way becomes a link", async () => {
    fs.mkdirSync(join(folder, "open/way"));
    fs.writeFileSync(join(folder, "open/way/b.txt"), "open");
    fs.writeFileSync(join(folder, "shut/b.txt"), "the secret");
    const [way, aside] = [join(folder, "open/way"), join(folder, "open/aside")];
    const seen = await readWhile("way/b.txt", (turn) => {
      if (turn % 2 === 0) {
        fs.renameSync(way, aside);
        fs.symlinkSync("../shut", way);
      } else {
        fs.unlinkSync(way);
        fs.renameSync(aside, way);
      }
    });
    expect(seen).not.toContain("the secret");
    expect(seen).toContain("open");
    expect(seen.size).toBeGreaterThan(1);
  });
});
