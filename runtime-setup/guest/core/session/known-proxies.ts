import {
  defineHidden,
  ObjectDefineProperty,
  ReflectConstruct,
  SafeProxy,
  SafeTypeError,
  SafeWeakMap,
} from "../../../../src/shared/primordials.ts";

const known = new SafeWeakMap<object, true>();

/** Is it a proxy? Nothing else tells: whoever asks a proxy anything runs a trap of it. */
export function isKnownProxy(value: object): boolean {
  return known.has(value);
}

/** From here on proxies are known. */
export function watchProxies(): void {
  const native = SafeProxy as unknown as {
    revocable(target: object, handler: object): { proxy: object; revoke(): void };
  };
  const { revocable } = native;
  const note = <T extends object>(proxy: T): T => {
    known.set(proxy, true);
    return proxy;
  };
  const Watched = function Proxy(target: object, handler: object): object {
    if (new.target === undefined) throw new SafeTypeError("Constructor Proxy requires 'new'");
    return note(ReflectConstruct(SafeProxy, [target, handler]) as object);
  };
  const properties = { __proto__: null, value: undefined, writable: false, enumerable: false, configurable: false };
  ObjectDefineProperty(Watched, "prototype", properties as PropertyDescriptor);
  defineHidden(Watched, "revocable", function revocableProxy(target: object, handler: object) {
    const made = revocable(target, handler);
    note(made.proxy);
    return made;
  });
  defineHidden(globalThis, "Proxy", Watched);
}
