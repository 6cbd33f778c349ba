/** What the commands do that run scripts; loaded when one of them is called, with no more than they need. */
export { evalCommand } from "./eval-command.ts";
export { runCommand } from "./run-command.ts";
