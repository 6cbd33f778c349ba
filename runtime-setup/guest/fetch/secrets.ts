import { closestName } from "../../../src/shared/closest-name.ts";
import { ObjectFreeze, ObjectHasOwn, ReflectOwnKeys, SafeObject, SafeProxy } from "../../../src/shared/primordials.ts";
import { guestError } from "../core/errors.ts";
import { defineGlobal } from "../core/kernel.ts";

/** What an object is asked for that nobody means as a name of his own. */
const ASKED = ["then", "toJSON", "constructor"];

function isAsked(key: string): boolean {
  for (let i = 0; i < ASKED.length; i++) if (ASKED[i] === key) return true;
  return key in SafeObject.prototype;
}

/** `secrets.NAME`: a text that the host replaces on its way out. An unknown name is an error: it would be sent as it is. */
export function defineSecrets(placeholders: Record<string, string>): void {
  const names = ReflectOwnKeys(placeholders) as string[];
  const get = (target: Record<string, string>, key: string | symbol): unknown => {
    if (typeof key === "symbol" || ObjectHasOwn(target, key) || isAsked(key)) return target[key as string];
    const close = closestName(key, names);
    const advice = close === undefined ? "; the host or the configuration names secrets" : `; did you mean ${close}?`;
    throw guestError("ConfigError", `Cannot use secrets.${key}: there is no such secret${advice}`);
  };
  defineGlobal(
    "secrets",
    new SafeProxy(ObjectFreeze({ ...placeholders }), { __proto__: null, get } as ProxyHandler<Record<string, string>>),
  );
}
