/** What the command line says of errors and exit codes, and what helps; not a part of the package's interface. */
export { ERROR_GROUPS, EXIT_MEANINGS, findError } from "./errors/error-catalogue.ts";
export { EXIT } from "./errors/exit-codes.ts";
export { codeFrame } from "./hints/code-frame.ts";
export { hintFor, hintForCode } from "./hints/error-hints.ts";
export { type Frame, linesOf, offsetOf } from "./hints/source-frame.ts";
export { withHint } from "./hints/type-hints.ts";
