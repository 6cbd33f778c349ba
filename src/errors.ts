/** How the command line exits; not a part of the package's interface. */
export { exitCodeOf } from "./errors/exit-code-of.ts";
export { EXIT } from "./errors/exit-codes.ts";
