/**
 * The functions that a host app gives its scripts, by their names. A host app declares its own, and `vm.op` then checks
 * the handlers. Scripts are not checked: a handler parses its arguments all the same.
 *
 * @example
 * declare module "geppetto-js" {
 *   interface HostOps {
 *     "stock.count": (item: string) => number;
 *   }
 * }
 */
export interface HostOps {}

/** A name that no host app has declared. */
export type UndeclaredOp<Name extends string> = Name extends keyof HostOps ? never : Name;

/** What serves an op that a host app has declared. */
export type HostOpHandler<Name extends keyof HostOps> = HostOps[Name] extends (...args: infer Args) => infer Answer
  ? (...args: Args) => Answer | Promise<Awaited<Answer>>
  : never;
