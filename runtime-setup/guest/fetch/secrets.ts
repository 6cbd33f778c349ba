import { OPS } from "../../../src/shared/contract/ops.ts";
import { ObjectFreeze, ObjectHasOwn, SafeObject, SafeProxy, StringSlice } from "../../../src/shared/primordials.ts";
import { callSync, defineGlobal } from "../core/kernel.ts";

/** What an object is asked for that nobody means as a name of his own. */
const ASKED = ["then", "toJSON", "constructor"];
/** As much of a name as is told. */
const MAX_NAME = 100;

function isAsked(key: string): boolean {
  for (let i = 0; i < ASKED.length; i++) if (ASKED[i] === key) return true;
  return key in SafeObject.prototype;
}

/** `secrets.NAME`: a text that the host replaces on its way out. An unknown name is an error: it would be sent as it is. */
export function defineSecrets(placeholders: Record<string, string>): void {
  const get = (target: Record<string, string>, key: string | symbol): unknown => {
    if (typeof key === "symbol" || ObjectHasOwn(target, key) || isAsked(key)) return target[key as string];
    return callSync(OPS.secret_refuse, { name: StringSlice(key, 0, MAX_NAME) });
  };
  defineGlobal(
    "secrets",
    new SafeProxy(ObjectFreeze({ ...placeholders }), { __proto__: null, get } as ProxyHandler<Record<string, string>>),
  );
}
