import { defineHidden, ObjectGetOwnPropertyDescriptor } from "../../../src/shared/primordials.ts";
import { callAsync, callBlocking, callSync, defineGlobal } from "./kernel.ts";

type Mode = "sync" | "async" | "blocking";

function caller(op: string, mode: Mode): (...args: unknown[]) => unknown {
  switch (mode) {
    case "sync":
      return (...args) => callSync(op, args);
    case "blocking":
      return (...args) => callBlocking(op, args);
    case "async":
      return (...args) => callAsync(op, args).promise;
  }
}

/** Gives scripts a function that calls an op of the host app: `name` may be dotted ("orders.find"). */
export function installBinding({ name, op, mode }: { name: string; op: string; mode: Mode }): void {
  const path = name.split(".");
  const last = path.pop()!;
  const value = caller(op, mode);
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
