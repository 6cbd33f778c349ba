import { InvalidArgumentError, type Command } from "commander";
import { replayRun } from "../session/replay-run.ts";
import { exportRun, listRuns, showRun } from "../commands/runs-command.ts";
import { addRunFlags } from "./run-flags.ts";

function parseLimit(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a number from 1 to 999999.");
}

/** Adds `runs list|show|replay|export`. */
export function addRunsCommand(program: Command, env: Readonly<Record<string, string | undefined>>): Command {
  const runs = program.command("runs").description("show, replay and export the runs in the log of runs");
  const id = "the run's id, the beginning of it, or last";
  runs
    .command("list")
    .description("the latest runs first")
    .option("--limit <count>", "most runs that are shown", parseLimit, 20)
    .option("--script <name>", "only the runs of the script of this name")
    .option("--json", "one JSON document per run and line")
    .action(listRuns);
  runs
    .command("show")
    .description("how a run was started, what it did and how it ended")
    .argument("<run>", id)
    .option("--json", "the whole run as one JSON document")
    .action(showRun);
  const replay = runs
    .command("replay")
    .description("the run as it was: output, events, exit code; nobody is asked")
    .argument("<run>", id)
    .option("--script <file>", "run this script instead, on the answers that the run got");
  addRunFlags(replay, env, ["Input and output"]).action(replayRun);
  runs
    .command("export")
    .description("a run as a JSON document: source, events, answers, outcome")
    .argument("<run>", id)
    .option("--out <file>", "where to; default stdout")
    .action(exportRun);
  return runs;
}
