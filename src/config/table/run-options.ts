import type { RunOption } from "./setting.ts";

/** The most that a script has with `--untrusted`; settings lower it and never raise it. */
export const UNTRUSTED_LIMITS = { wallMs: 60_000, cpuMs: 10_000, memoryMB: 64, outputBytes: 1_000_000 } as const;

/** {@link UNTRUSTED_LIMITS} in words. */
export const UNTRUSTED_WORDS: string = describe(UNTRUSTED_LIMITS);

function describe({ wallMs, cpuMs, memoryMB, outputBytes }: typeof UNTRUSTED_LIMITS): string {
  const output = `${outputBytes / 1_000_000} MB of output`;
  return `${wallMs / 60_000} min, ${cpuMs / 1000} s of it computing, ${memoryMB} MB and ${output}`;
}

/** Every flag of the commands that run scripts that is not a setting. */
export const RUN_OPTIONS = {
  profile: {
    flag: { name: "--profile", short: "-p", takes: "<name>", group: "Model" },
    help: "a profile of geppetto.yaml or of your own configuration",
  },
  model: {
    kind: "model",
    flag: { name: "--model", short: "-m", takes: "<provider:model>", group: "Model" },
    help: "the model that answers: embedded:demo (default), openai:…, anthropic:…",
  },
  set: {
    kind: "assignments",
    flagOnly: true,
    flag: { name: "--set", takes: "<path=value>", group: "Model" },
    help: "any setting, such as chat.temperature=0.2; may be repeated",
  },

  env: {
    kind: "pairs",
    flagOnly: true,
    flag: { name: "--env", short: "-e", takes: "<KEY=VALUE>", group: "Input and output" },
    help: "a variable for the script's process.env; may be repeated",
  },
  input: {
    flag: { name: "--input", takes: "<file>", group: "Input and output" },
    help: "a file that the script reads with input(); - is stdin",
  },
  json: {
    flag: { name: "--json", group: "Input and output" },
    help: "print exactly one JSON document: result, error, usage, duration",
  },
  events: {
    flag: { name: "--events", takes: "[file]", group: "Input and output" },
    help: "write every event of every step as a line of JSON: --events=file, or --events for stderr",
  },
  stats: {
    flag: { name: "--stats", group: "Input and output" },
    help: "say on stderr at the end how long it took and what it used",
  },
  quiet: {
    flag: { name: "--quiet", short: "-q", group: "Input and output" },
    conflicts: ["verbose"],
    help: "write nothing on stderr but errors and what the script writes there",
  },
  verbose: {
    flag: { name: "--verbose", short: "-v", group: "Input and output" },
    help: "say on stderr what runs, with which model and limits, and how it ends",
  },
  log: {
    // GEPPETTO_LOG is the log's file.
    flagOnly: true,
    flag: { name: "--no-log", group: "Input and output" },
    help: "leave this run out of the log that geppetto-js runs shows",
  },

  untrusted: {
    flag: { name: "--untrusted", group: "Permissions" },
    help: `for scripts of people you do not know: no compiler, nothing allowed, at most ${UNTRUSTED_WORDS}`,
  },

  record: {
    flag: { name: "--record", takes: "<file>", group: "Reproducing" },
    help: "add what models, and servers that are fetched from, answer to a cassette, a readable JSON file",
  },
  replay: {
    flag: { name: "--replay", takes: "<file>", group: "Reproducing" },
    conflicts: ["record"],
    help: "take the answers from a cassette and ask nobody",
  },
  deterministic: {
    flag: { name: "--deterministic", group: "Reproducing" },
    help: "run the same each time: a virtual clock, seeded random numbers and ids",
  },
  seed: {
    kind: "integer",
    flag: { name: "--seed", takes: "<n>", group: "Reproducing" },
    help: "the seed of random numbers and ids in deterministic runs (default: 1)",
  },
  now: {
    kind: "moment",
    flag: { name: "--now", takes: "<iso>", group: "Reproducing" },
    help: "when the clock of deterministic runs begins (default: 2026-01-01T00:00:00Z)",
  },

  durable: {
    flagOnly: true,
    flag: { name: "--durable", group: "Lasting" },
    conflicts: ["record", "replay", "deterministic", "seed", "now", "trace", "watch"],
    help: "keep what the script does in a journal: it survives crashes, and can wait for days",
  },
  id: {
    flagOnly: true,
    flag: { name: "--id", takes: "<id>", group: "Lasting" },
    help: "the id of the execution, with --durable; the same one again goes on with it (default: a new one)",
  },

  watch: {
    flagOnly: true,
    flag: { name: "--watch", group: "Debugging" },
    help: "run again whenever the script, what it imports, its settings or its recorded answers change",
  },
  inspect: {
    flagOnly: true,
    flag: { name: "--inspect", takes: "[port]", group: "Debugging" },
    help: "attach a debugger: not possible with this version; says what to use instead",
  },
  trace: {
    flagOnly: true,
    flag: { name: "--trace", takes: "<file>", group: "Debugging" },
    help: "write a page to look at the run with: what ran when, what was asked and answered, step by step",
  },
  traceContents: {
    choices: ["on", "off"],
    flag: { name: "--trace-contents", takes: "<on|off>", group: "Debugging" },
    help: "off: no prompt, answer, argument, output or source on that page (default: on)",
  },
} as const satisfies Readonly<Record<string, RunOption>>;

type ValueOf<Option extends RunOption> = Option extends { kind: "assignments" }
  ? string[]
  : Option extends { kind: "integer" | "moment" }
    ? number
    : Option extends { kind: "pairs" }
      ? Record<string, string>
      : Option extends { flag: { takes: string } }
        ? string
        : Option extends { flag: { name: `--no-${string}` } }
          ? boolean
          : true;

/** What each flag gives: its text, true for a switch. Bare `--events` gives "-". */
export type RunFlags = { [Key in keyof typeof RUN_OPTIONS]?: ValueOf<(typeof RUN_OPTIONS)[Key]> };

/** Variables that no flag and no setting stands for. */
export const OTHER_VARIABLES = {
  GEPPETTO_LOG: "the file of the log of runs",
  GEPPETTO_JOURNAL: "the file of the journal of executions that last",
  GEPPETTO_AUDIT: "a file that gets every use of a permission",
  GEPPETTO_NATS: "the NATS server of worker, submit and runs",
  GEPPETTO_NATS_PREFIX: "what all names there begin with",
  GEPPETTO_NATS_REPLICAS: "on how many servers of a cluster what is made there is kept",
  GEPPETTO_DEBUG: "if not empty, errors of the program itself show their stack",
} as const;
