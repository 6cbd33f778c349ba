/** What the commands do that work over NATS; loaded when one of them is called. */
export { submitCommand } from "../workers/submit-command.ts";
export { workerCommand } from "../workers/worker-command.ts";
