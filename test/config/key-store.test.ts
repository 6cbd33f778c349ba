import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KeyStore } from "../../src/config/key-store.ts";

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
