import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineStep, GeppettoError, RuntimeEngine, type SetupFunction } from "../../src/index.ts";
import { ISOLATIONS, withEngine } from "./engine-harness.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(ISOLATIONS)("a setup function in a %s", (isolation) => {
  const withSetup = (setup: SetupFunction, ...rest: [test: Parameters<typeof withEngine>[1]]) =>
    withEngine({ isolation, setup: [setup] }, ...rest);

  it("defines globals with copies of values", () => {
    const config = { deep: [1, { two: new Date(5) }], map: new Map([["a", new Float32Array([0.5])]]), big: 5n };
    return withSetup(
      async (vm) => {
        await vm.set("config", config);
        await vm.set("answer", 42);
        await vm.set("$", null);
      },
      async ({ engine, run }) => {
        config.deep.length = 0;
        const { value } = await run(
          "config.extra = 1; export default [config.deep[1].two.getTime(), config.map.get('a')[0], config.big, answer, $]",
        );
        expect(value).toEqual([5, 0.5, 5n, 42, null]);
        expect(config).not.toHaveProperty("extra");
        expect(await engine.runOnLoop("answer + 1")).toBe(43);
      },
    );
  });

  it("is told which value cannot be copied and which name is none", () =>
    withSetup(
      async (vm) => {
        const cycle: Record<string, unknown> = {};
        cycle["self"] = cycle;
        await expect(vm.set("f", () => 1)).rejects.toMatchObject({ name: "ValidationError" });
        await expect(vm.set("f", { inner: [() => 1] })).rejects.toThrow("inner[0]");
        await expect(vm.set("c", cycle)).rejects.toThrow(/^Cannot copy a value that refers to itself at ".*\.self"$/);
        for (const name of ["", "1a", "a b", "a-b", "a.", "a;b"]) {
          await expect(vm.set(name, 1)).rejects.toMatchObject({ name: "ConfigError" });
          await expect(vm.op(name, () => 1)).rejects.toMatchObject({ name: "ConfigError" });
        }
      },
      async ({ run }) => {
        expect(await run("export default [typeof f, typeof c]")).toMatchObject({ value: ["undefined", "undefined"] });
      },
    ));

  it("serves ops that answer at once, later, and while the script waits", () => {
    const order: string[] = [];
    return withSetup(
      async (vm) => {
        await vm.op("now", (a: number, b: number) => a + b, { mode: "sync" });
        await vm.op("later", async (text: string) => {
          await pause(5);
          return { text, vector: new Float32Array([1, 2]) };
        });
        await vm.op(
          "blocked",
          async (text: string) => {
            order.push("host works");
            await pause(5);
            return [text];
          },
          { mode: "blocking" },
        );
        await vm.op("orders.deep.find", (id: string) => `order ${id}`, { mode: "sync" });
        await vm.op("orders.count", () => 2, { mode: "sync" });
      },
      async ({ run }) => {
        setTimeout(() => order.push("host's own timer"), 1);
        const { value } = await run(`
          const p = later("x");
          export default [now(1, 2), p instanceof Promise, (await p).vector[1], blocked("y"), orders.deep.find("7"), orders.count(), now.name, orders.deep.find.name];`);
        expect(value).toEqual([3, true, 2, ["y"], "order 7", 2, "now", "find"]);
        expect(order).toContain("host's own timer");
      },
    );
  });

  it("throws what an op throws in the script, with its name, code and text and without the host's stack", () =>
    withSetup(
      async (vm) => {
        const fail = (): never => {
          throw new GeppettoError("PermissionError", "Cannot read the order: not yours", {
            code: "ERR_NOT_YOURS",
            isTransient: true,
            status: 403,
          });
        };
        await vm.op("sync", fail, { mode: "sync" });
        await vm.op("later", async () => fail());
        await vm.op("blocking", async () => fail(), { mode: "blocking" });
        await vm.op(
          "plain",
          () => {
            throw new RangeError("out of range");
          },
          { mode: "sync" },
        );
        await vm.op(
          "odd",
          () => {
            throw "text";
          },
          { mode: "sync" },
        );
        await vm.op("uncopied", () => () => 1, { mode: "sync" });
      },
      async ({ run }) => {
        const { value } = await run(`
          const seen = [];
          for (const f of [sync, later, blocking, plain, odd]) {
            try { await f() } catch (e) { seen.push([e instanceof Error, e.name, e.message, e.code, e.isTransient, e.status, /node_modules|\\.ts/.test(e.stack), e.includes?.(e.message)]) }
          }
          export default [seen, typeof uncopied()];`);
        const [seen, uncopied] = value as [unknown[][], string];
        const refused = [
          true,
          "PermissionError",
          "Cannot read the order: not yours",
          "ERR_NOT_YOURS",
          true,
          403,
          false,
          true,
        ];
        expect(seen.slice(0, 3)).toEqual([refused, refused, refused]);
        expect(seen[3]!.slice(0, 3)).toEqual([true, "RangeError", "out of range"]);
        expect(seen[4]!.slice(0, 3)).toEqual([true, "Error", "text"]);
        expect(uncopied).toBe("undefined");
      },
    ));

  it("lets scripts pass what can be copied only, catchably", () =>
    withSetup(
      (vm) => vm.op("take", (...args: unknown[]) => args.length, { mode: "sync" }),
      async ({ run }) => {
        const { value } = await run(`
          const cycle = {}; cycle.self = cycle;
          const tries = [() => 1, Symbol("s"), cycle, { deep: [() => 1] }];
          export default tries.map((bad) => { try { return take(bad) } catch (e) { return e.name } }).concat(take(), take(1, undefined));`);
        expect(value).toEqual(["ValidationError", "ValidationError", "ValidationError", "ValidationError", 0, 2]);
      },
    ));

  it("refuses a second op and a second step of one name, and an op that nobody could call", () =>
    withSetup(
      async (vm) => {
        const step = defineStep({ name: "s", async *run() {} });
        await vm.op("once", () => 1);
        await expect(vm.op("once", () => 2)).rejects.toMatchObject({ name: "ConfigError" });
        await expect(vm.op("loud", () => 1, { mode: "Sync" as never })).rejects.toThrow(
          'Cannot define "loud" in the guest: its mode must be "async", "sync" or "blocking"',
        );
        await expect(vm.op("none", undefined as never)).rejects.toThrow("its handler must be a function");
        await vm.registerStep("step", step);
        await expect(vm.registerStep("step", step)).rejects.toMatchObject({ name: "ConfigError" });
      },
      async ({ run }) => {
        expect(await run("export default await once()")).toMatchObject({ value: 1 });
      },
    ));

  it("runs code in the guest and is told of its errors", () =>
    withSetup(
      async (vm) => {
        expect(await vm.runString("var kept = 20; kept + 1")).toBe(21);
        expect(await vm.runString("Promise.resolve([kept])")).toEqual([20]);
        await expect(vm.runString("throw new RangeError('bad')")).rejects.toMatchObject({
          name: "RangeError",
          message: "bad",
        });
        await expect(vm.runString("let a = ;")).rejects.toMatchObject({ name: "SyntaxError" });
        await expect(vm.runString("Promise.reject(new TypeError('no'))")).rejects.toMatchObject({ name: "TypeError" });
      },
      async ({ run }) => {
        expect(await run("export default kept")).toMatchObject({ value: 20 });
      },
    ));

  it("registers steps whose input and results go through zod schemas or functions", () =>
    withSetup(
      async (vm) => {
        const step = defineStep<{ n: number }, number>({
          name: "count",
          async *run({ n }) {
            for (let i = 0; i < n; i++) yield i;
          },
        });
        await vm.registerStep("schema", step, {
          input: z.object({ n: z.number().int().max(5) }),
          output: z.number().transform((n) => `#${n}`),
        });
        await vm.registerStep("functions", step, {
          input: (value) => ({ n: Number(value) }),
          output: (n) => {
            if (n === 2) throw new Error("two is refused");
            return { n };
          },
        });
      },
      async ({ run }) => {
        const { value } = await run(`
          const caught = async (f) => { try { return [...await f()] } catch (e) { return [e.name, e.message] } };
          export default [
            await caught(() => schema.startAsync({ n: 2 })),
            await caught(() => schema.startAsync({ n: "2" })),
            await caught(() => schema.startAsync({ n: 7 })),
            await caught(() => functions.startAsync("2")),
            await caught(() => functions.startAsync(3)),
          ];`);
        const [good, wrongType, tooLarge, converted, refused] = value as [
          unknown[],
          string[],
          string[],
          unknown[],
          string[],
        ];
        expect(good).toEqual(["#0", "#1"]);
        expect(wrongType[0]).toBe("ValidationError");
        expect(wrongType[1]).toMatch(/input of "schema".*n: /);
        expect(tooLarge[0]).toBe("ValidationError");
        expect(converted).toEqual([{ n: 0 }, { n: 1 }]);
        expect(refused).toEqual(["ValidationError", 'Cannot use a result of "functions": two is refused']);
      },
    ));
});

describe.each(ISOLATIONS)("start() in a %s", (isolation) => {
  it("runs setup functions one after the other, those of the options first", async () => {
    const order: string[] = [];
    const setup =
      (name: string, ms: number): SetupFunction =>
      async () => {
        order.push(`${name} begins`);
        await pause(ms);
        order.push(`${name} ends`);
      };
    await using engine = new RuntimeEngine({ isolation, setup: [setup("a", 10)] });
    engine.addSetupFunction(setup("b", 1)).addSetupFunction(setup("c", 0));
    await Promise.all([engine.start(), engine.start()]);
    await engine.start();
    expect(order).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  it("names the setup function that fails, keeps its error as cause and leaves nothing", async () => {
    const cause = new RangeError("no such table");
    const engine = new RuntimeEngine({
      isolation,
      setup: [
        async function openDatabase() {
          throw cause;
        },
      ],
    });
    engine.addSetupFunction(() => {
      throw new Error("is not reached");
    });
    const starting = engine.start();
    await expect(starting).rejects.toThrow('the setup function "openDatabase" failed: no such table');
    await expect(starting).rejects.toMatchObject({ cause, name: "ConfigError", code: "ERR_CONFIG" });
    await expect(engine.runScript({ code: "1" })).rejects.toMatchObject({ code: "ERR_ENGINE_CLOSED" });
    await engine.close();
  });

  it("is needed before code runs, and ends the time for more setup functions", async () => {
    await using engine = new RuntimeEngine({ isolation });
    await expect(engine.runOnLoop("1")).rejects.toThrow("has not started");
    await expect(engine.runScript({ code: "1" })).rejects.toThrow("has not started");
    expect(() => engine.addSetupFunction("nothing" as unknown as SetupFunction)).toThrow(TypeError);
    await engine.start();
    expect(() => engine.addSetupFunction(() => {})).toThrow("the engine has started");
  });
});
