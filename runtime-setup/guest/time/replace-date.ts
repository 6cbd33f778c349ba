import {
  defineHidden,
  isArray,
  ReflectApply,
  ReflectConstruct,
  SafeDate,
  SafeProxy,
} from "../../../src/shared/primordials.ts";
import { currentMs } from "./current-time.ts";

/**
 * Puts another `Date` in the place of V8's, whose dates without arguments are those of the guest's clock.
 *
 * @param read what V8's constructor is given for these arguments, of which there is one at least
 */
export function replaceDate(read: (args: readonly unknown[]) => readonly unknown[]): void {
  const { prototype } = SafeDate;
  const { toString } = prototype;
  const Replaced = new SafeProxy(SafeDate, {
    __proto__: null,
    construct: (target: DateConstructor, args: unknown[], newTarget: never) =>
      ReflectConstruct(
        target,
        (isArray(args) && args.length > 0 ? read(args) : [currentMs()]) as unknown[],
        newTarget,
      ) as object,
    apply: () => ReflectApply(toString, new SafeDate(currentMs()), []),
  } as ProxyHandler<DateConstructor>);
  defineHidden(globalThis, "Date", Replaced);
  defineHidden(prototype, "constructor", Replaced);
}
