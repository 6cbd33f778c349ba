/** What the commands do that look at runs and executions, and go on with them; loaded when one of them is called. */
export { exportRun } from "../runs/export-run.ts";
export { approveExecution, cancelExecution, resolveExecution, sendToExecution } from "../executions/tell-commands.ts";
export { resumeExecutions } from "../executions/resume-executions.ts";
export { listRuns } from "../runs/list-runs.ts";
export { showRun } from "../runs/show-run.ts";
export { replayRun } from "../runs/replay-run.ts";
export { traceRun } from "../trace/trace-run.ts";
export { serveRuns } from "../trace/serve-runs.ts";
