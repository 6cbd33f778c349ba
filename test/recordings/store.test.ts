import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DiskCacheStore, MemoryCacheStore, type CacheEntry } from "../../src/recordings/index.ts";
import { hashParts } from "../../src/recordings/cache/hash-parts.ts";
import { canonicalJson, fromTagged, toTagged } from "../../src/recordings/tagged-json.ts";

let folder: string;
let log: string[];
const logger = { warn: (text: string) => void log.push(text), error: (text: string) => void log.push(text) };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "geppetto-cache-"));
  log = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const key = (name: string): string => hashParts([name]);
const entry = (result: unknown): CacheEntry => ({
  type: "double",
  trace: [
    { meta: { messageId: "m", parentId: "", engine: "" }, emission: { type: "partial", delta: "x" } },
    { result },
  ],
  end: { facts: { usage: { inputTokens: 1 } } },
});

describe("toTagged() and fromTagged()", () => {
  it("give back whatever can be kept, in the order in which it was", () => {
    const value = {
      z: 1,
      a: [undefined, NaN, -0, Infinity, 10n, new Date(5), new Date(NaN)],
      map: new Map<unknown, unknown>([[{ k: 1 }, new Set([1, "b"])]]),
      vector: new Float32Array([0.5, -1]),
      $type: "own",
      ["__proto__"]: { polluted: true },
    };
    const back = fromTagged(JSON.parse(JSON.stringify(toTagged(value)))) as typeof value;
    expect(back).toEqual(value);
    expect(Object.is(back.a[2], -0)).toBe(true);
    expect(Object.keys(back)).toEqual(Object.keys(value));
  });

  it("hold for any JSON value", () => {
    const property = fc.property(fc.jsonValue(), (value) => {
      expect(fromTagged(JSON.parse(JSON.stringify(toTagged(value))))).toEqual(value);
    });
    fc.assert(property, { numRuns: 200 });
  });

  it("refuse functions and circles", () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    for (const value of [() => {}, circle, { deep: [Symbol("x")] }])
      expect(() => toTagged(value)).toThrow("Cannot record a value");
  });
});

describe("canonicalJson()", () => {
  it("tells buffers of the same length apart, and fromTagged() gives their bytes back", () => {
    const [a, b] = [new Uint8Array([1, 2]).buffer, new Uint8Array([1, 3]).buffer];
    expect(canonicalJson({ a })).not.toBe(canonicalJson({ a: b }));
    expect(fromTagged(JSON.parse(canonicalJson({ a })))).toStrictEqual({ a });
  });

  it("is the same for equal values in any order, and different for others", () => {
    expect(canonicalJson({ a: 1, b: { c: 2, d: undefined } })).toBe(canonicalJson({ b: { c: 2 }, a: 1 }));
    expect(canonicalJson(["1"])).not.toBe(canonicalJson([1]));
  });

  it("takes no longer for what lies deep, knows circles, and none where a value stands twice", () => {
    const wide = Array.from({ length: 20_000 }, () => []);
    const nested = (levels: number): unknown => {
      let value: unknown = wide;
      for (let i = 0; i < levels; i++) value = [value];
      return value;
    };
    const fastest = (value: unknown): number => {
      const times = Array.from({ length: 20 }, () => {
        const startedAt = performance.now();
        canonicalJson(value);
        return performance.now() - startedAt;
      });
      return Math.min(...times);
    };
    // Where each value had to look at all around it, this was forty times.
    expect(fastest(nested(600))).toBeLessThan(5 * fastest(nested(1)));
    expect(canonicalJson({ a: wide[0], b: wide[0] })).toBe('{"a":[],"b":[]}');
    const circle: unknown[] = [];
    circle.push([circle]);
    expect(() => canonicalJson(circle)).toThrow("it refers to itself");
  });
});

describe("hashParts()", () => {
  it("keeps parts apart, whatever is in them", () => {
    const lists = [["a", "bc"], ["ab", "c"], ["abc"], ["a", "b", "c"], ["", "abc"], ["1:a\n2:bc"], ["a\n2:bc"]];
    expect(new Set(lists.map(hashParts)).size).toBe(lists.length);
  });
});

describe("MemoryCacheStore", () => {
  it("serves copies, forgets what was used least recently and what is too old", async () => {
    const store = new MemoryCacheStore({ maxEntries: 2 });
    await store.set(key("a"), entry({ list: [1] }));
    await store.set(key("b"), entry(2));
    const found = (await store.get(key("a")))!;
    expect(found).toEqual(entry({ list: [1] }));
    (found.trace[1] as { result: { list: number[] } }).result.list.push(2);
    expect(await store.get(key("a"))).toEqual(entry({ list: [1] }));
    await store.set(key("c"), entry(3));
    expect(await store.get(key("b"))).toBeUndefined();
    const old = new MemoryCacheStore({ maxAgeMs: 0 });
    await old.set(key("a"), entry(1));
    await expect.poll(() => old.get(key("a"))).toBeUndefined();
  });

  it("holds no more bytes than it may, whatever is replaced, and never what is larger alone", async () => {
    const store = new MemoryCacheStore({ maxBytes: 10_000 });
    const text = (length: number): CacheEntry => entry("x".repeat(length));
    await store.set(key("a"), text(2_000));
    await store.set(key("b"), text(2_000));
    await store.set(key("c"), text(9_000));
    expect(await Promise.all(["a", "b", "c"].map(async (name) => (await store.get(key(name))) !== undefined))).toEqual([
      true,
      true,
      false,
    ]);
    for (let i = 0; i < 10; i++) await store.set(key("b"), text(2_000 + i));
    expect(await store.get(key("a"))).toEqual(text(2_000));
    await store.set(key("c"), text(2_000));
    expect([await store.get(key("b")), store.size]).toEqual([undefined, 2]);
  });
});

describe("DiskCacheStore", () => {
  it("serves what another store of the folder has kept, from readable files", async () => {
    const value = { vector: new Float32Array([1, 2]), when: new Date(5) };
    await new DiskCacheStore(join(folder, "deep", "cache"), { logger }).set(key("a"), entry(value));
    expect(await new DiskCacheStore(join(folder, "deep", "cache"), { logger }).get(key("a"))).toEqual(entry(value));
    const [name] = readdirSync(join(folder, "deep", "cache"));
    expect(name).toBe(`${key("a")}.json`);
    expect(readFileSync(join(folder, "deep", "cache", name!), "utf8")).toContain('\n  "key": ');
    expect(await new DiskCacheStore(folder, { logger }).get(key("b"))).toBeUndefined();
    expect(log).toEqual([]);
  });

  it("never serves a damaged file, but names it and sets it aside", async () => {
    const store = new DiskCacheStore(folder, { logger });
    const file = join(folder, `${key("a")}.json`);
    await store.set(key("a"), entry("precious"));
    const whole = readFileSync(file, "utf8");
    const damages: [string, RegExp][] = [
      ["", /JSON/],
      [whole.slice(0, whole.length / 2), /JSON/],
      [whole.replace("precious", "Precious"), /checksum/],
      [whole.replace(key("a"), key("b")), /another key/],
      ["null", /not a cache entry/],
      ['{"format":"other"}', /not a cache entry/],
    ];
    for (const [text, why] of damages) {
      writeFileSync(file, text);
      expect(await store.get(key("a"))).toBeUndefined();
      expect(log.at(-1)).toMatch(new RegExp(`^Renaming ${key("a")}.json as ${key("a")}.json.corrupt-\\d+: `));
      expect(log.at(-1)).toMatch(why);
    }
    await store.set(key("a"), entry("anew"));
    expect(await store.get(key("a"))).toEqual(entry("anew"));
  });

  it("goes on without a folder that cannot be written, and says so once", async () => {
    writeFileSync(join(folder, "file"), "");
    const store = new DiskCacheStore(join(folder, "file", "cache"), { logger });
    await store.set(key("a"), entry(1));
    await store.set(key("b"), entry(1));
    expect(await store.get(key("a"))).toBeUndefined();
    expect(log.filter((text) => text.includes("cannot write it"))).toHaveLength(1);
  });

  it.skipIf(process.getuid?.() === 0)("keeps what is in a folder that has become read-only", async () => {
    const store = new DiskCacheStore(folder, { logger });
    await store.set(key("a"), entry(1));
    chmodSync(folder, 0o500);
    await store.set(key("b"), entry(2));
    expect(await store.get(key("a"))).toEqual(entry(1));
    chmodSync(folder, 0o700);
  });

  it("removes what is too old or too much, and what killed writers left", async () => {
    const store = new DiskCacheStore(folder, { maxEntries: 2, maxAgeMs: 60_000, logger });
    for (const name of ["a", "b", "c", "d"]) await store.set(key(name), entry(name));
    const old = new Date(Date.now() - 7_200_000);
    utimesSync(join(folder, `${key("d")}.json`), old, old);
    writeFileSync(join(folder, "x.partial"), "");
    utimesSync(join(folder, "x.partial"), old, old);
    expect(await store.get(key("d"))).toBeUndefined();
    await store.sweep();
    expect(readdirSync(folder).length).toBe(2);
  });

  it("loses nothing when several processes write to one folder", async () => {
    mkdirSync(join(folder, "shared"));
    const child = fileURLToPath(new URL("writing-child.ts", import.meta.url));
    const children = ["one", "two", "three"].map((name) => fork(child, ["cache", join(folder, "shared"), name, "40"]));
    const codes = await Promise.all(children.map((process) => new Promise((resolve) => process.once("exit", resolve))));
    expect(codes).toEqual([0, 0, 0]);
    const store = new DiskCacheStore(join(folder, "shared"), { logger });
    for (const name of ["one", "two", "three"]) {
      for (let i = 0; i < 40; i++) expect(await store.get(key(`${name}${i}`))).toEqual(entry(`${name}${i}`));
    }
    // A key that all of them wrote holds one of what they wrote.
    expect(["one", "two", "three"]).toContain(
      (await store.get(key("common")))!.trace.map((part) => ("result" in part ? part.result : ""))[1],
    );
    expect(log).toEqual([]);
  });
});
