import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, vi } from "vitest";
import { decodeBundle } from "../../../src/modules/bundle-format.ts";
import type { BundleOrder } from "../../../src/modules/bundler-messages.ts";
import { bundlerProgram } from "../../../src/modules/bundler-program.ts";
import { bundleModules } from "../../../src/modules/bundling/bundle-modules.ts";
import { ModuleCopies } from "../../../src/modules/bundling/module-copies.ts";

export const ROOT: string = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const SHIMS = join(ROOT, "dist/shims");

export function orderFor(folder: string, name: string, code: string, paths?: readonly string[]): BundleOrder {
  const rules = { paths, packages: [] };
  return { name, code, folder, rules, maxUses: 10_000, shims: SHIMS, bundler: bundlerProgram(), keepAs: undefined };
}

/** What is made of a script, with the time of it taken out. */
export async function bundleOf(order: BundleOrder): Promise<unknown> {
  const result = await bundleModules(order);
  // Modules are asked about in the order in which their importers have been read.
  if ("failure" in result) return { ...result.failure, uses: new Set(result.failure.uses) };
  if (!("bundle" in result)) return result;
  const { code, mappings, names, uses, refusals, sources } = decodeBundle(result.bundle);
  return { code, mappings, names, uses: new Set(uses), refusals, sources: { ...sources } };
}

/** The same where nothing can be copied, so that the bundler asks about each module. */
export async function bundleByAsking(order: BundleOrder): Promise<unknown> {
  using copying = vi.spyOn(ModuleCopies, "of").mockReturnValue(undefined);
  const result = await bundleOf(order);
  expect(copying).toHaveBeenCalledOnce();
  return result;
}
