/** What the commands do that run scripts, or look at runs; loaded when one of them is called. */
export { evalCommand } from "./eval-command.ts";
export { runCommand } from "./run-command.ts";
export { exportRun, listRuns, showRun } from "./runs-command.ts";
export { replayRun } from "../session/replay-run.ts";
