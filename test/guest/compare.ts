import vm from "node:vm";
import { expect } from "vitest";
import type { Guest } from "./guest-harness.ts";

/** Runs the code here, as Node sees it, and in the guest; both must give the same string, or throw the same name. */
export async function expectSame(guest: Guest, code: string): Promise<string> {
  const wrapped = `(async () => { try { return String(await (async () => { ${code} })()); }
    catch (e) { return "threw " + (e && e.name) + " " + (e && e.code); } })()`;
  const expected = (await vm.runInThisContext(wrapped)) as string;
  const actual = await guest.run(wrapped);
  expect(actual).toBe(expected);
  return actual;
}
