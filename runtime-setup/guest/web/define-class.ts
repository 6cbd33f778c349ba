import { ObjectDefineProperty } from "../../../src/shared/primordials.ts";
import { defineGlobal } from "../core/kernel.ts";

/** Defines a class of the web platform under its name, which bundling may have changed. */
export function defineClass(name: string, value: abstract new (...args: never[]) => object): void {
  ObjectDefineProperty(value, "name", { value: name, configurable: true });
  defineGlobal(name, value);
}
