import { describe, expect, it } from "vitest";
import { MemoryJournal, RuntimeEngine, type KeyValueStore } from "../../../src/index.ts";
import { ISOLATIONS, Output, withEngine } from "../engine-harness.ts";
import { attempt } from "./lasting-fixture.ts";

const COUNT = `const n = (await store.get("n")) ?? 0; await store.set("n", n + 1); export default n;`;

describe.each(ISOLATIONS)("store (%s)", (isolation) => {
  it("gives back copies of what crosses, also under keys that objects have", async () => {
    await withEngine({ isolation }, async ({ engine }) => {
      const { value, error } = await engine.runScript({
        code: `
          const given = { d: new Date(5), m: new Map([["__proto__", 1n]]), b: new Uint8Array([1, 2]), s: new Set([NaN]) };
          await store.set("m", given);
          given.d = null;
          const { d, m, b, s } = await store.get("m");
          for (const key of ["__proto__", "constructor", "toString", "a\\u0000b", "'; DROP TABLE stored_values --", "%", "🌱"]) {
            if ((await store.get(key)) !== undefined) throw new Error("there is " + key);
            await store.set(key, { ["__proto__"]: key });
            if (!Object.hasOwn(await store.get(key), "__proto__")) throw new Error("lost " + key);
          }
          export default [d.getTime(), m.get("__proto__") === 1n, b[1], s.has(NaN), await store.list("__"), (await store.list()).length,
            await store.delete("__proto__"), await store.delete("__proto__"), {}.polluted];`,
      });
      expect(error).toBeUndefined();
      expect(value).toEqual([5, true, 2, true, ["__proto__"], 8, true, false, undefined]);
    });
  });

  it("serves calls in the order in which they were made", async () => {
    await withEngine({ isolation }, async ({ engine }) => {
      const { value } = await engine.runScript({
        code: `
          for (let i = 0; i < 50; i++) store.set("k", i);
          const [got, , keys, , after] = await Promise.all([store.get("k"), store.set("z", 1), store.list(), store.delete("z"), store.list()]);
          export default [got, keys, after];`,
      });
      expect(value).toEqual([49, ["k", "z"], ["k"]]);
    });
  });

  it("rejects what it cannot keep, and goes on", async () => {
    await withEngine({ isolation }, async ({ engine }) => {
      const { value } = await engine.runScript({
        code: `
          const loop = {}; loop.loop = loop;
          const codes = [];
          for (const attempt of [
            () => store.set("", 1), () => store.get(5), () => store.delete(), () => store.list(null), () => store.get({ toString: () => "k" }),
            () => store.set("k", () => {}), () => store.set("k", Symbol("s")), () => store.set("k", loop),
            () => store.set("k", { get a() { throw Object.assign(new Error("own"), { code: "OWN" }); } }),
            () => store.set("k".repeat(513), 1), () => store.set("k", "x".repeat(1_000_001)),
          ]) {
            let promise;
            try { promise = attempt(); } catch { codes.push("thrown at once"); continue; }
            codes.push(await promise.then(() => "kept", ({ code }) => code));
          }
          export default [codes.join(), await store.list()];`,
      });
      const codes = [...Array.from({ length: 8 }, () => "ERR_VALIDATION"), "OWN", "ERR_STORE_LIMIT", "ERR_STORE_LIMIT"];
      expect(value).toEqual([codes.join(), []]);
    });
  });
});

describe("store", () => {
  it("holds 16 MB, and room comes back with what is deleted", async () => {
    await withEngine({ isolation: "thread" }, async ({ engine }) => {
      const { value } = await engine.runScript({
        code: `
          const text = "x".repeat(900_000);
          let code, count = 0;
          while (code === undefined) await store.set("k" + count, text).then(() => count++, (error) => (code = error.code));
          await store.delete("k0");
          await store.set("again", text);
          export default [count, code, (await store.list()).length];`,
      });
      expect(value).toEqual([17, "ERR_STORE_LIMIT", 17]);
    });
  });

  it("of an engine lives as long as that, for each tenant", async () => {
    const run = async (engine: RuntimeEngine, tenant: string): Promise<unknown> =>
      (await engine.runScript({ code: COUNT }, { tenant })).value;
    await withEngine({ isolation: "thread" }, async ({ engine }) => {
      expect([await run(engine, "a"), await run(engine, "a"), await run(engine, "b")]).toEqual([0, 1, 0]);
    });
    await withEngine({ isolation: "thread" }, async ({ engine }) => {
      expect(await run(engine, "a")).toBe(0);
    });
  });

  it("is where the host says, by whose call it is", async () => {
    await using journal = new MemoryJournal();
    const run = async (tenant: string): Promise<unknown> => {
      await using engine = new RuntimeEngine({
        isolation: "thread",
        console: new Output(),
        store: (call) => journal.store(`of ${call.tenant}`),
      });
      await engine.start();
      return (await engine.runScript({ code: COUNT }, { tenant })).value;
    };
    expect([await run("a"), await run("a"), await run("b")]).toEqual([0, 1, 0]);
    expect(await journal.store("of a").get("n")).toBe(2);
  });

  it("of the host's that fails is an error of the call alone", async () => {
    const broken: KeyValueStore = {
      get: () => Promise.reject(new Error("the disk is gone")),
      set: () => {
        throw new Error("thrown at once");
      },
      delete: async () => true,
      list: async () => [],
    };
    await using engine = new RuntimeEngine({ isolation: "thread", console: new Output(), store: broken });
    await engine.start();
    const { value } = await engine.runScript({
      code: `
        const message = (error) => error.message;
        export default [await store.get("k").catch(message), await store.set("k", 1).catch(message), await store.list()];`,
    });
    expect(value).toEqual(["the disk is gone", "thrown at once", []]);
  });

  it("that is none is refused", () => {
    expect(() => new RuntimeEngine({ store: { get() {} } as never })).toThrow(/store must be an object with get\(\)/);
  });

  it("of an execution that lasts is in its journal, by the script's name and the tenant", async () => {
    await using journal = new MemoryJournal();
    const run = async (id: string, tenant?: string): Promise<unknown> => {
      const of = tenant === undefined ? {} : { tenant };
      return (await attempt(journal, COUNT, { isolation: "thread", id, ...of })).outcome?.value;
    };
    expect([await run("1"), await run("1"), await run("2"), await run("3", "other")]).toEqual([0, 0, 1, 0]);
  });
});
