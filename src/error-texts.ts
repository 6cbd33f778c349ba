/** What the command line says of errors and exit codes; not a part of the package's interface. */
export { ERROR_GROUPS, EXIT_MEANINGS, findError } from "./errors/error-catalogue.ts";
export { EXIT } from "./errors/exit-codes.ts";
