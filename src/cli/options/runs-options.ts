import { InvalidArgumentError, Option, type Command } from "commander";
import type { RunState } from "../../index.ts";
import { addRunFlags } from "./run-flags.ts";
import { parseSince } from "./since.ts";

const STATES: readonly RunState[] = ["running", "completed", "failed", "killed"];

export type ScriptCommands = typeof import("../commands/script-commands.ts");

/** What the commands do that run scripts, or look at runs. Loaded on use: help, and the rest, needs no engine. */
export function scriptCommands(): Promise<ScriptCommands> {
  return import("../commands/script-commands.ts");
}

type Given<Name extends keyof ScriptCommands> = Parameters<ScriptCommands[Name]>;

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
    .option("--script <name>", "only the runs of scripts of this name; * and ? stand for any characters")
    .addOption(new Option("--state <state>", "only the runs in this state").choices(STATES))
    .option("--since <when>", "only the runs since then: 30min, 2h, 3d, 2026-11-30 or 2026-11-30T08:00", (text) =>
      parseSince(text),
    )
    .option("--json", "one JSON document per run and line")
    .action(async (...given: Given<"listRuns">) => (await scriptCommands()).listRuns(...given));
  runs
    .command("show")
    .description("how a run was started, what it asked, answered and printed, and how it ended")
    .argument("<run>", id)
    .option("--follow", "show what a run does as it does it, until it ends")
    .option("--full", "show long texts whole")
    .option("--json", "the whole run as one JSON document")
    .action(async (...given: Given<"showRun">) => (await scriptCommands()).showRun(...given));
  const replay = runs
    .command("replay")
    .description("the run as it was: output, events, exit code; nobody is asked")
    .argument("<run>", id)
    .option("--script <file>", "run this script instead, on the answers that the run got");
  addRunFlags(replay, env, { groups: ["Input and output"] }).action(async (...given: Given<"replayRun">) =>
    (await scriptCommands()).replayRun(...given),
  );
  runs
    .command("export")
    .description("a run as a JSON document: source, events, answers, outcome")
    .argument("<run>", id)
    .option("--out <file>", "where to; default stdout")
    .action(async (...given: Given<"exportRun">) => (await scriptCommands()).exportRun(...given));
  return runs;
}
