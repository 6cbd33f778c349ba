import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { completeSettings } from "../../config.ts";
import type { ExecutionDetails, Journal, ModelSettings, RunStart } from "../../index.ts";
import { ExecutionBudget } from "./execution-budget.ts";
import { fileScript } from "../runs/file-script.ts";
import { loadSettings, type SessionSettings } from "../options/load-settings.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printNotes } from "../output/print-table.ts";
import { isWhole, readDetails, type RunDetails } from "../session/run-start.ts";
import { budgetLimitsOf } from "../session/engine-options.ts";
import { ScriptSession } from "../session/script-session.ts";
import type { LastingRun, SessionScript } from "../session/session-script.ts";
import { withJournal } from "./open-journal.ts";

/** What is kept of how an execution was begun. Keys, headers and addresses are not part of it. */
type LastingDetails = RunDetails & {
  /** Where the command line was called: there may lie a geppetto.yaml. */
  cwd: string;
  /** Flags that choose a model and its address: with them whoever resumes finds the key. */
  flags: Pick<ScriptOptions, "profile" | "model" | "set">;
  /** Of a script that does not lie in a file. */
  source?: string;
};

/** Flags of `--set` that say where a model is. */
const ADDRESS = /^(chat|embeddings)\.(provider|model|baseURL)=/;

/** `run --durable`: begins an execution, or goes on with one, or shows how it ended. */
export async function runDurably(
  script: SessionScript,
  options: ScriptOptions,
  settings: SessionSettings,
): Promise<void> {
  const { id = randomUUID(), quiet } = options;
  await withJournal(async (journal) => {
    const known = await journal.get(id);
    if (known !== undefined) return goOn(journal, known, script, options, { printsAgain: true });
    if (options.id === undefined && !quiet) printNotes([`execution ${id}`]);
    const details = (start: RunStart): Record<string, unknown> => ({ ...toDetails(start, script, options) });
    await runWithin(options, settings, { journal, id, printsAgain: true, details }, script);
  });
}

/** Goes on with an execution that the command line has begun; `given` says how its output is to look. */
export async function resumeExecution(
  journal: Journal,
  execution: ExecutionDetails,
  given: Partial<ScriptOptions>,
  acceptSource: boolean,
): Promise<void> {
  const { id, state } = execution;
  if (state === "completed" || state === "failed") {
    const what = `Cannot resume the execution ${id}: it has ${state}; geppetto-js runs replay ${id} prints its output again`;
    throw new UsageError(what, EXIT.usage, "ERR_EXECUTION_ENDED");
  }
  const then = detailsOf(execution);
  const script =
    then.folder === undefined
      ? sourceOf(execution, then)
      : await fileScript(join(then.folder, execution.script), then.args);
  await goOn(journal, execution, script, { log: false, ...given }, { printsAgain: false, acceptSource });
}

/** `runs replay` of an execution: what it printed, and its exit code, once more. */
export async function replayExecution(
  journal: Journal,
  execution: ExecutionDetails,
  given: Partial<ScriptOptions> & { script?: string },
): Promise<void> {
  const { id, state, script: label } = execution;
  const cannot = `Cannot replay the execution ${id}`;
  if (state !== "completed" && state !== "failed") {
    const what = `${cannot}: it has not ended; geppetto-js runs resume ${id} goes on with it`;
    throw new UsageError(what, EXIT.replay, "ERR_REPLAY");
  }
  if (given.script !== undefined || given.env !== undefined || given.input !== undefined) {
    const what = `${cannot} with another script, variables or input: only runs in the log have their answers by request`;
    throw new UsageError(what, EXIT.usage);
  }
  const { args } = detailsOf(execution);
  const script: SessionScript = { command: "run", candidates: [{ code: "", name: label }], source: "", label, args };
  await goOn(journal, execution, script, { log: false, ...given }, { printsAgain: true });
}

async function goOn(
  journal: Journal,
  execution: ExecutionDetails,
  script: SessionScript,
  given: ScriptOptions,
  how: { printsAgain: boolean; acceptSource?: boolean },
): Promise<void> {
  const then = detailsOf(execution);
  const { args, env, input, untrusted } = then;
  const { json, events, stats, quiet, verbose } = given;
  const options: ScriptOptions = {
    log: false,
    env,
    ...(untrusted ? { untrusted } : {}),
    ...(json ? { json } : {}),
    ...(events === undefined ? {} : { events }),
    ...(stats ? { stats } : {}),
    ...(quiet ? { quiet } : {}),
    ...(verbose ? { verbose } : {}),
  };
  const kept = input === undefined ? {} : { input };
  const lasting = { journal, id: execution.id, ...how, ...kept };
  await runWithin(options, await settingsOf(then, script), lasting, { ...script, args });
}

/** Runs it within what is left of its budget. */
async function runWithin(
  options: ScriptOptions,
  settings: SessionSettings,
  lasting: LastingRun,
  script: SessionScript,
): Promise<void> {
  const { journal, id } = lasting;
  const budget = await ExecutionBudget.open(journal, id, budgetLimitsOf(settings.settings.limits));
  await new ScriptSession(options, settings, { lasting, budget }).run(script);
  await budget?.settled();
}

function toDetails({ details = {} }: RunStart, script: SessionScript, options: ScriptOptions): LastingDetails {
  const { profile, model, set = [] } = options;
  return {
    ...(details as unknown as RunDetails),
    cwd: process.cwd(),
    flags: {
      ...(profile === undefined ? {} : { profile }),
      ...(model === undefined ? {} : { model }),
      set: set.filter((assignment) => ADDRESS.test(assignment)),
    },
    ...(script.folder === undefined ? { source: script.source } : {}),
  };
}

/** @throws {UsageError} where the command line has not begun it, or what is kept of that is damaged. */
function detailsOf({ id, details, isDamaged }: ExecutionDetails): LastingDetails {
  const { details: known, isDamaged: isUnreadable } = readDetails(details);
  const { cwd, flags, source } = details as Partial<LastingDetails>;
  if (isDamaged || isUnreadable)
    throw new UsageError(
      `Cannot resume the execution ${id}: how it was begun cannot be read`,
      EXIT.output,
      "ERR_JOURNAL",
    );
  if (!isWhole(known) || typeof cwd !== "string" || typeof flags !== "object")
    throw new UsageError(`Cannot resume the execution ${id}: it was begun by another program, which has to resume it`);
  return { ...known, cwd, flags, ...(typeof source === "string" ? { source } : {}) };
}

function sourceOf({ script: label }: ExecutionDetails, { source = "", args }: LastingDetails): SessionScript {
  return { command: "run", candidates: [{ code: source, name: label }], source, label, args };
}

/** The settings of then; keys, and where they go, come from whoever resumes. */
async function settingsOf(
  { settings, profile, flags, untrusted, cwd }: LastingDetails,
  { source, label: name, folder }: SessionScript,
): Promise<SessionSettings> {
  const then = completeSettings(settings);
  const now = await loadSettings(
    { ...flags, ...(untrusted ? { untrusted: true } : {}) },
    { source, name, folder },
    { cwd },
  );
  const chat = withAddress(then.chat, now.settings.chat);
  const embeddings = withAddress(then.embeddings, now.settings.embeddings);
  return { settings: { ...then, chat, embeddings }, profile, warnings: now.warnings };
}

function withAddress(then: ModelSettings, now: ModelSettings): ModelSettings {
  if (then.provider !== now.provider) return then;
  const { apiKey, baseURL, headers, cacheFolder } = now;
  return {
    ...then,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(baseURL === undefined ? {} : { baseURL }),
    ...(headers === undefined ? {} : { headers }),
    ...(cacheFolder === undefined ? {} : { cacheFolder }),
  };
}
