/** Entry of its own, so that a child can be on its way before the rest of the package loads. */
export { prestart } from "./sandbox/child.ts";
