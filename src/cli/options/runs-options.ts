import { InvalidArgumentError, Option, type Command } from "commander";
import { parsePort } from "./quantities.ts";
import { addRunFlags } from "./run-flags.ts";
import type { ListedState } from "../runs/list-runs.ts";
import { parseSince } from "./since.ts";
import { withNats } from "./worker-options.ts";

const STATES: readonly ListedState[] = [
  "running",
  "completed",
  "failed",
  "killed",
  "queued",
  "suspended",
  "interrupted",
];

/** What can be done with executions on a server, too. */
const OVER_NATS: readonly string[] = ["list", "show", "resume", "send", "approve", "resolve", "cancel"];

type Environment = Readonly<Record<string, string | undefined>>;

type LogCommands = typeof import("../commands/log-commands.ts");

function commands(): Promise<LogCommands> {
  return import("../commands/log-commands.ts");
}

type Given<Name extends keyof LogCommands> = Parameters<LogCommands[Name]>;

/** From here on executions are those on the server that the options name, where they do. */
async function useNats(options: { nats?: string; natsPrefix?: string }): Promise<void> {
  if (!options.nats) return;
  const { natsAccess } = await import("../workers/nats-access.ts");
  const { useServer } = await import("../executions/open-journal.ts");
  useServer(natsAccess(options, process.env));
}

function parseLimit(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a number from 1 to 999999.");
}

function parseQuestion(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected the number of a question, from 1 on.");
}

/** Adds `runs list|show|replay|export|trace`, and what tells executions that last something. */
export function addRunsCommand(program: Command, env: Environment): Command {
  const runs = program
    .command("runs")
    .description("show, trace, replay and export runs; go on with executions that last, and answer them");
  const id = "the run's id, the beginning of it, or last";
  runs
    .command("list")
    .description("the latest runs first")
    .option("--limit <count>", "most runs that are shown", parseLimit, 20)
    .option("--script <name>", "only the runs of scripts of this name; * and ? stand for any characters")
    .addOption(new Option("--state <state>", "only the runs in this state").choices(STATES))
    .option("--since <when>", "only the runs since then: 30min, 2h, 3d, 2026-11-30 or 2026-11-30T08:00", (text) =>
      parseSince(text),
    )
    .option("--json", "one JSON document per run and line")
    .action(async (...given: Given<"listRuns">) => (await commands()).listRuns(...given));
  runs
    .command("show")
    .description("how a run was started, what it asked, answered and printed, and how it ended")
    .argument("<run>", id)
    .option("--follow", "show what a run does as it does it, until it ends")
    .option("--full", "show long texts whole")
    .option("--json", "the whole run as one JSON document")
    .action(async (...given: Given<"showRun">) => (await commands()).showRun(...given));
  const replay = runs
    .command("replay")
    .description("the run as it was: output, events, exit code; nobody is asked")
    .argument("<run>", id)
    .option("--script <file>", "run this script instead, on the answers that the run got; - is stdin");
  addRunFlags(replay, env, { groups: ["Input and output"] }).action(async (...given: Given<"replayRun">) =>
    (await commands()).replayRun(...given),
  );
  runs
    .command("export")
    .description("a run as a JSON document: source, events, answers, outcome")
    .argument("<run>", id)
    .option("--out <file>", "where to; default stdout")
    .action(async (...given: Given<"exportRun">) => (await commands()).exportRun(...given));
  addTraceCommands(runs);
  addExecutionCommands(runs, env);
  for (const command of runs.commands) {
    if (!OVER_NATS.includes(command.name())) continue;
    withNats(command).hook("preAction", async (_, action) => useNats(action.opts()));
  }
  return runs;
}

/** `runs trace|serve`. */
function addTraceCommands(runs: Command): void {
  runs
    .command("trace")
    .description("a page to look at a run with: one HTML file that needs nothing else")
    .argument("<run>", "the run's id, the beginning of it, or last")
    .option("--out <file>", "where to; default stdout")
    .addOption(traceContents())
    .action(async (...given: Given<"traceRun">) => (await commands()).traceRun(...given));
  runs
    .command("serve")
    .description("show such pages in a browser on this machine; there a script can be changed and run again")
    .argument("[run]", "the run that the address leads to; without it a list of runs")
    .option("--port <n>", "where to listen; default one that is free", parsePort)
    .addOption(traceContents())
    .action(async (...given: Given<"serveRuns">) => (await commands()).serveRuns(...given));
}

function traceContents(): Option {
  const help = "off: no prompt, answer, argument, output or source on the page";
  return new Option("--trace-contents <on|off>", help).choices(["on", "off"]).default("on");
}

/** `runs resume`, and `runs send|approve|resolve|cancel`: none of these resumes an execution. */
function addExecutionCommands(runs: Command, env: Environment): void {
  const id = "the execution's id, or the beginning of it";
  const resume = runs
    .command("resume")
    .description("go on with an execution that was suspended or interrupted; prints what is new")
    .argument("[id]", id)
    .option("--due", "all whose time has come, or that were answered")
    .option("--all", "all that are suspended or were interrupted")
    .option("--accept-source", "go on although the script has changed, as long as it does the same as before");
  addRunFlags(resume, env, { groups: ["Input and output"], without: ["env", "input", "log"] }).action(
    async (...given: Given<"resumeExecutions">) => (await commands()).resumeExecutions(...given),
  );
  const question = "which question, where it asks several";
  runs
    .command("send")
    .description("send an execution that lasts a message, for execution.receive(name)")
    .argument("<id>", id)
    .argument("<name>", "the message's name")
    .option("--data <json>", "what is sent, as JSON; default undefined")
    .action(async (...given: Given<"sendToExecution">) => (await commands()).sendToExecution(...given));
  runs
    .command("approve")
    .description("answer a question of an execution that lasts, for execution.approve(question)")
    .argument("<id>", id)
    .option("--refuse", "the answer is no")
    .option("--question <n>", question, parseQuestion)
    .option("--note <text>", "what the script finds beside the answer")
    .action(async (...given: Given<"approveExecution">) => (await commands()).approveExecution(...given));
  runs
    .command("resolve")
    .description("say what became of a call that a crash has cut off, and that may have had its effect")
    .argument("<id>", id)
    .option("--retry", "it had none: make it again")
    .option("--value <json>", "it had, and this is its answer, as JSON")
    .option("--error <text>", "it failed, with this message")
    .option("--question <n>", question, parseQuestion)
    .action(async (...given: Given<"resolveExecution">) => (await commands()).resolveExecution(...given));
  runs
    .command("cancel")
    .description("end an execution that lasts")
    .argument("<id>", id)
    .action(async (...given: Given<"cancelExecution">) => (await commands()).cancelExecution(...given));
}
