import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../examples/document-blocks.ts";
import { isWholeRun } from "../machine/part-of.ts";
import { patience } from "../machine/patience.ts";
import { COMPILERS, TypeProject } from "./type-project.ts";

/** The settings that README and docs tell host apps and authors of scripts to use. */
const HOST = { target: "es2024", lib: ["es2024", "esnext.disposable"], module: "nodenext", types: ["node"] };
const SCRIPT = { target: "es2024", lib: ["es2024"], module: "esnext", moduleDetection: "force", checkJs: true };

function examples(pattern: RegExp): Record<string, string> {
  const folder = join(root, "examples");
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => pattern.test(name));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

/** A host app with ops of its own, which it has declared. */
const DECLARED_OPS = `
import { EnginePool, currentCall, type CallContext, type Vm } from "geppetto-js";
declare module "geppetto-js" {
  interface HostOps {
    "stock.count": (item: string) => number;
  }
}
export async function setupShop(vm: Vm): Promise<void> {
  await vm.op("stock.count", async (item) => item.length);
  await vm.op("stock.mine", (call: CallContext<{ rights: string[] }>, item: string) => [call.context.rights, item], { context: true });
  // @ts-expect-error -- it is declared to give a number
  await vm.op("stock.count", () => "many");
}
export const rights = (): string[] | undefined => currentCall<{ rights: string[] }>()?.context.rights;
export const pool = new EnginePool({ setup: [setupShop], size: 1 });
`;

/** Composed steps keep the types of what they are made of. */
const COMPOSED = `
/** @type {Step<string, number>} */
const lengths = steps.createLambdaStep((/** @type {string} */ text) => text.length);
const composed = steps.compose([lengths, (all) => all.map((n) => n.toFixed(1)), (texts) => texts.join()]);
const results = await composed.startAsync("four");
/** @type {string} */
const first = results[0] ?? "";
// @ts-expect-error -- the results are strings
/** @type {number} */ const wrong = results[0] ?? "";
// @ts-expect-error -- the input is a string
await composed.startAsync(4);
export default [first, wrong];
`;

describe.each(COMPILERS)("the types under %s", (compiler) => {
  const strictness = isWholeRun ? [true, false] : [compiler !== "typescript-5.9"];

  it.each(strictness)(
    "let host apps and examples compile, strict: %s",
    { timeout: patience(180_000) },
    async (strict) => {
      using project = new TypeProject({ ...examples(/\.ts$/), "declared-ops.ts": DECLARED_OPS });
      const options = { ...HOST, strict, skipLibCheck: true, allowImportingTsExtensions: true };
      expect(await project.check(compiler, options)).toBe("");
    },
  );

  it.each(strictness)("let scripts compile, strict: %s", { timeout: patience(180_000) }, async (strict) => {
    using project = new TypeProject({ ...examples(/^\d.*\.js$/), "composed.js": COMPOSED });
    // Scripts are JavaScript: what has no annotation is no mistake.
    const options = {
      ...SCRIPT,
      strict,
      noImplicitAny: false,
      moduleResolution: "bundler",
      types: ["geppetto-js/globals"],
    };
    expect(await project.check(compiler, options)).toBe("");
  });
});
