import { execFileSync, fork, type ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KeyStore } from "../../src/config/key-store.ts";
import { patience } from "../machine/patience.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "keys-"));
  path = join(folder, "inner/keys.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("KeyStore", () => {
  it("keeps keys by name in a file of mode 600, in a folder of mode 700", async () => {
    const store = new KeyStore(path);
    expect([await store.list(), await store.get("a"), await store.isExposed()]).toEqual([[], undefined, false]);
    await store.set("openai", " sk-1\n");
    await store.set("a.b-c_1", "x");
    await store.set("openai", "sk-2");
    expect([await store.list(), await store.get("openai")]).toEqual([["a.b-c_1", "openai"], "sk-2"]);
    expect([statSync(path).mode & 0o777, statSync(join(folder, "inner")).mode & 0o777]).toEqual([0o600, 0o700]);
    expect([await store.remove("openai"), await store.remove("openai")]).toEqual([true, false]);
    expect(await new KeyStore(path).list()).toEqual(["a.b-c_1"]);
    expect(readdirSync(join(folder, "inner"))).toEqual(["keys.json"]);
  });

  it.each(["", "a b", "../x", "a/b", "-x", "x".repeat(65), "ä"])("refuses the name %j", async (name) => {
    await expect(new KeyStore(path).set(name, "k")).rejects.toMatchObject({ name: "ConfigError", code: "ERR_KEYS" });
  });

  it("refuses an empty key, and one of several words, without showing it", async () => {
    for (const key of ["", "  ", "canary canary", "can\u0007ary"]) {
      const error = await new KeyStore(path).set("a", key).catch((thrown: Error) => thrown);
      expect((error as Error).message).toBe('Cannot store the key "a": a key is one word, and not empty');
    }
  });

  it("does not take prototype names for keys", async () => {
    const store = new KeyStore(path);
    expect(await store.get("constructor")).toBeUndefined();
    expect(await store.remove("toString")).toBe(false);
  });

  it("says when others can read the file, and puts that right with the next key", async () => {
    const store = new KeyStore(path);
    await store.set("a", "x");
    chmodSync(path, 0o644);
    expect(await store.isExposed()).toBe(true);
    await store.set("b", "y");
    expect(await store.isExposed()).toBe(false);
  });

  it.each(["{", "[1]", '{"a": 5}', "null", '"canary"'])(
    "does not take %s for keys, and shows nothing of it",
    async (text) => {
      const store = new KeyStore(join(folder, "keys.json"));
      writeFileSync(join(folder, "keys.json"), text);
      const error = await store.list().catch((thrown: Error) => thrown);
      expect(error).toMatchObject({ name: "ConfigError", code: "ERR_KEYS" });
      expect((error as Error).message).not.toContain("canary");
    },
  );
});

describe("KeyStore of many processes", () => {
  const child = fileURLToPath(new URL("storing-child.ts", import.meta.url));
  const ended = (process: ChildProcess): Promise<unknown> => new Promise((resolve) => process.once("exit", resolve));

  it("loses none of 128 keys that 16 of them store at once", async () => {
    const children = Array.from({ length: 16 }, (_, i) => fork(child, [path, `p${i}`, "8"]));
    expect(new Set(await Promise.all(children.map(ended)))).toEqual(new Set([0]));
    expect(await new KeyStore(path).list()).toHaveLength(128);
    expect(readdirSync(join(folder, "inner"))).toEqual(["keys.json"]);
  });

  it(
    "keeps every key that was stored when 100 of them are killed at random moments, and no copy of one",
    async () => {
      const stored = new Set<string>();
      let next = 0;
      const killOne = async (): Promise<void> => {
        while (next < 100) {
          const process = fork(child, [path, `k${next++}`, "1000"]);
          const first = new Promise((resolve) => process.once("message", resolve));
          process.on("message", (name: string) => stored.add(name));
          await first;
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
          process.kill("SIGKILL");
          await ended(process);
        }
      };
      await Promise.all(Array.from({ length: 5 }, killOne));
      const store = new KeyStore(path);
      const names = new Set(await store.list());
      expect([...stored].filter((name) => !names.has(name))).toEqual([]);
      expect(stored.size).toBeGreaterThanOrEqual(100);
      await store.set("last", "k");
      const left = readdirSync(join(folder, "inner")).filter((name) => name !== "keys.json");
      // Of keys there is no copy. A lock may stay for 30 s, whose maker was killed before its name was in it.
      expect(left.filter((name) => !name.startsWith("keys.json.lock"))).toEqual([]);
      for (const name of left) utimesSync(join(folder, "inner", name), 0, 0);
      await store.set("last", "k");
      expect(readdirSync(join(folder, "inner"))).toEqual(["keys.json"]);
    },
    patience(240_000),
  );

  it("finds what a killed program has left, which may hold keys", async () => {
    const store = new KeyStore(path);
    await store.set("a", "sk-1");
    const left = `${path}.0b5f.partial`;
    writeFileSync(left, '{"a":"sk-1"}');
    expect(await store.leftOvers()).toEqual([]);
    utimesSync(left, 0, 0);
    expect(await store.leftOvers()).toEqual([left]);
  });

  it.skipIf(process.platform === "win32")(
    "refuses a pipe in the place of the file and does not wait for it",
    async () => {
      mkdirSync(join(folder, "inner"));
      execFileSync("mkfifo", [path]);
      const what = "it is not a regular file";
      await expect(new KeyStore(path).list()).rejects.toThrow(`Cannot read the keys file: ${what}`);
      await expect(new KeyStore(path).set("a", "k")).rejects.toThrow(`Cannot write the keys file: ${what}`);
    },
  );
});
