import { ObjectFreeze, ObjectHasOwn, SafeObject, SafeProxy } from "../../../src/shared/primordials.ts";

export type Members = Record<string, unknown>;

/** What an object is asked for that nobody means as a name of his own. */
function isAsked(key: string): boolean {
  return key === "then" || key === "toJSON" || key === "constructor" || key in SafeObject.prototype;
}

/** An object whose other properties are made when somebody asks for them. */
export function openObject(members: Members, make: (key: string) => unknown): object {
  const get = (target: Members, key: string | symbol): unknown => {
    if (typeof key === "symbol" || ObjectHasOwn(target, key)) return target[key as string];
    return isAsked(key) ? undefined : make(key);
  };
  return new SafeProxy(ObjectFreeze(members), { __proto__: null, get } as ProxyHandler<Members>);
}
