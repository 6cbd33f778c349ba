/** What the commands do that run scripts, or look at runs; loaded when one of them is called. */
export { evalCommand } from "./eval-command.ts";
export { runCommand } from "./run-command.ts";
export { exportRun } from "./runs-command.ts";
export { listRuns } from "../runs/list-runs.ts";
export { showRun } from "../runs/show-run.ts";
export { replayRun } from "../runs/replay-run.ts";
