import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, runCli } from "../cli/run-cli.ts";
import { patience } from "../machine/patience.ts";
import { COMPILERS, TypeProject } from "./type-project.ts";

/** The types of a host app, in a file of their own. */
const ORDERS = `
import type { Readable } from "node:stream";
export interface Order { id: number; lines: Line[]; state: State }
interface Line { item: string; price: Money }
export type State = "sent" | "open"
export type Money =
  | { cents: number }
  | number;
export type Body = Readable;
export enum Size { small, large }
`;

/** A module with an engine, written with and without semicolons, with what a reader of types may stumble over. */
const ENGINE = `
import { defineStep, RuntimeEngine, setupDefaults, type Vm } from "geppetto-js";
import type { Order as AnOrder, Order, Body } from "./orders.ts";
const pattern = /interface HostOps { "}/;
const nested = \`\${\`interface HostOps {\`}\`;
type Options = { fresh?: boolean; tags?: Array<Map<string, Order[]>> };
declare module "geppetto-js" {
  interface HostOps {
    /** How many there are; "many: yes". */
    "stock.count": (item: string, options?: Options) => number
    "stock.names": () => string[];
    "orders.find": (id: Order["id"]) => Promise<Order | undefined>;
    "orders.raw"(Order: number): Record<string, Order>;
    odd: (x: typeof pattern) => void;
    body: () => Body;
    other: () => AnOrder;
    unserved: () => number;
  }
}
const label = defineStep({ name: "label", async *run(x) { yield \`*** \${x} ***\`; } });
async function shop(vm: Vm): Promise<void> {
  await vm.set("shop", { name: "Corner", open: [1, "x"], "a-b": { n: null } });
  await vm.op("stock.count", async (item) => item.length);
  await vm.op("stock.names", () => [String(pattern), nested], { mode: "sync" });
  await vm.op("orders.find", async () => undefined);
  await vm.op("orders.raw", () => ({}));
  await vm.op("odd", () => {});
  await vm.op("body", () => null as never);
  await vm.op("other", () => null as never);
  await vm.op("plain", (x) => x);
  await vm.op("shop.close", () => {}, { mode: "blocking" });
  await vm.op("embeddings.mine", () => {});
  await vm.registerStep("label", label);
}
export default new RuntimeEngine({ setup: [setupDefaults(), shop] });
`;

/** Uses what the host gives; what is wrong in it must be found. */
const SCRIPT = `
/** @type {number} */ const count = await stock.count("x", { fresh: true, tags: [] });
/** @type {string | undefined} */ const first = stock.names()[0];
const order = await orders.find(7);
/** @type {string | undefined} */ const item = order?.lines[0]?.item;
/** @type {"sent" | "open" | undefined} */ const state = (await orders.raw(1))["x"]?.state;
// @ts-expect-error -- an item is a text
await stock.count(7);
// @ts-expect-error -- a synchronous function gives no promise
stock.names().then;
// @ts-expect-error -- there is no such field
order?.colour;
// @ts-expect-error -- nothing serves it
unserved;
/** @type {string} */ const name = shop.name;
/** @type {null} */ const n = shop["a-b"].n;
shop.close();
const [text] = await label.startAsync("x");
export default [count, first, item, state, name, n, text, await plain(1, 2), await odd(3), await chat("hi")];
`;

describe("geppetto-js types", () => {
  let project: TypeProject;
  beforeAll(() => {
    project = new TypeProject({
      "orders.ts": ORDERS,
      "engine.ts": ENGINE,
      "pool.ts": `import { EnginePool } from "geppetto-js"; import engine from "./engine.ts"; void engine.close();
        export const pool = new EnginePool({ setup: [async (vm) => vm.op("mine", () => 1)] });`,
      "setups.js": `export const setup = [async (vm) => vm.op("mine", () => 1, { mode: "sync" })];`,
      "nothing.js": `export default { setup: 1 };`,
      "empty.js": `export default () => {};`,
      "broken.ts": `throw new Error("no database");`,
      "failing.js": `export default async function shop() { throw new Error("no database"); }`,
    });
  });
  afterAll(() => project[Symbol.dispose]());
  const types = (...args: string[]): Promise<CliResult> => runCli(["types", ...args], { cwd: project.path });

  it("prints types that need no other file, and writes the same with --out", async () => {
    const { code, stdout, stderr } = await types();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).not.toMatch(/<reference|^(import|export)/m);
    expect(await types("--out", "out.d.ts")).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(readFileSync(join(project.path, "out.d.ts"), "utf8")).toBe(stdout);
  });

  it.each(COMPILERS)(
    "--engine prints what a host app gives and has declared, for %s",
    async (compiler) => {
      using scripts = new TypeProject({ "script.js": SCRIPT });
      const file = join(scripts.path, "geppetto.d.ts");
      const { code, stdout, stderr } = await types("--engine", "engine.ts", "--out", file);
      expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
      expect(stderr.trim().split("\n")).toEqual([
        "warning: the type of odd is left open: it needs the type of a value (typeof pattern)",
        "warning: the type of body is left open: Readable comes from the package node:stream",
        "warning: the type of other is left open: AnOrder is not declared under this name in orders.ts",
        "warning: embeddings.mine is left out: embeddings is a global that scripts always have",
      ]);
      const options = { module: "esnext", moduleDetection: "force", target: "es2024", lib: ["es2024"], types: [] };
      for (const strict of [true, false])
        expect(await scripts.check(compiler, { ...options, checkJs: true, noImplicitAny: false, strict })).toBe("");
      // The compiler does look at the script.
      writeFileSync(join(scripts.path, "script.js"), "stock.count(7);");
      expect(await scripts.check(compiler, { ...options, checkJs: true })).toContain("TS2345");
    },
    patience(180_000),
  );

  it.each([
    ["a pool", "pool.ts", "mine: (...args: any[]) => Promise<any>"],
    ["a list of setup functions", "setups.js", "mine: (...args: any[]) => any"],
  ])("--engine takes %s", async (_, module, expected) => {
    const { code, stdout, stderr } = await types("--engine", module);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(expected);
  });

  it.each<[string, number, string]>([
    ["missing.ts", 66, "error [ERR_NO_FILE]: Cannot read the engine of missing.ts: there is no such file\n"],
    ["broken.ts", 65, "error [ERR_SCRIPT_LOAD]: Cannot load broken.ts: Error: no database\n"],
    [
      "nothing.js",
      2,
      "error [ERR_USAGE]: Cannot find an engine in nothing.js: export a RuntimeEngine, an EnginePool, a setup",
    ],
    ["failing.js", 78, 'error [ERR_CONFIG]: Cannot start the engine: the setup function "shop" failed: no database\n'],
  ])("--engine %s is exit code %i", async (module, expected, text) => {
    const { code, stdout, stderr } = await types("--engine", module);
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
    expect(stderr).toContain(text);
  });

  it("warns of an engine that gives scripts nothing", async () => {
    const { code, stderr } = await types("--engine", "empty.js");
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "warning: the engine of empty.js gives scripts nothing of its own\n",
    });
  });

  it.each([
    [".", "it is a folder"],
    ["no/such/folder.d.ts", "there is no such file or folder"],
  ])("--out %s is exit code 74", async (out, reason) => {
    const { code, stderr } = await types("--out", out);
    expect(code).toBe(74);
    expect(stderr).toContain(reason);
  });

  it("takes nothing else", async () => {
    expect(await types("script.js")).toMatchObject({ code: 2, stdout: "" });
  });
});
