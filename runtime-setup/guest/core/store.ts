/** `store`: values that a script keeps by key, for its next run too. */
import { OPS } from "../../../src/shared/contract/ops.ts";
import { ObjectFreeze } from "../../../src/shared/primordials.ts";
import { guestError } from "./errors.ts";
import { callAsync, defineGlobal, nameMembers } from "./kernel.ts";

function keyOf(value: unknown, what: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw guestError("ValidationError", `Cannot ${what}: its key must be a text that is not empty`);
}

function prefixOf(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  throw guestError("ValidationError", "Cannot list keys: their beginning must be a text");
}

/** The value that is kept; undefined where there is none. */
export async function storeGet(key: unknown): Promise<unknown> {
  const { value } = await callAsync(OPS.store_get, { key: keyOf(key, "get a value") }).promise;
  return value;
}

export async function storeSet(key: unknown, value: unknown): Promise<void> {
  await callAsync(OPS.store_set, { key: keyOf(key, "keep a value"), value }).promise;
}

export function installStore(): void {
  const store = {
    get: storeGet,
    set: storeSet,
    async delete(key: unknown): Promise<boolean> {
      return callAsync(OPS.store_delete, { key: keyOf(key, "delete a value") }).promise;
    },
    async list(prefix?: unknown): Promise<string[]> {
      return callAsync(OPS.store_list, { prefix: prefixOf(prefix) }).promise;
    },
  };
  defineGlobal("store", ObjectFreeze(nameMembers(store)));
}
