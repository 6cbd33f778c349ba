import { appOp } from "../../../src/shared/contract/op.ts";
import type { BindingConfig } from "../../../src/shared/contract/features.ts";
import { defineHidden, ObjectGetOwnPropertyDescriptor } from "../../../src/shared/primordials.ts";
import { callAsync, callBlocking, callSync, defineGlobal } from "./kernel.ts";

function caller({ name, mode }: BindingConfig): (...args: unknown[]) => unknown {
  switch (mode) {
    case "sync": {
      const op = appOp(name, mode);
      return (...args) => callSync(op, args);
    }
    case "blocking": {
      const op = appOp(name, mode);
      return (...args) => callBlocking(op, args);
    }
    case "async": {
      const op = appOp(name, mode);
      return (...args) => callAsync(op, args).promise;
    }
  }
}

/** Gives scripts a function that calls an op of the host app. */
export function installBinding(config: BindingConfig): void {
  const path = config.name.split(".");
  const last = path.pop()!;
  const value = caller(config);
  defineHidden(value, "name", last);
  const [first, ...rest] = path;
  if (first === undefined) {
    defineGlobal(last, value);
    return;
  }
  if (!ObjectGetOwnPropertyDescriptor(globalThis, first)) defineGlobal(first, {});
  let target = (globalThis as Record<string, unknown>)[first] as Record<string, unknown>;
  for (const part of rest) target = (target[part] ??= {}) as Record<string, unknown>;
  target[last] = value;
}
