import type { ErrorEntry } from "./error-entry.ts";
import { EXIT } from "./exit-codes.ts";

/** Errors of executions that last, and of the journals in which they are kept. */
export const executionErrors = {
  ERR_EXECUTION_ID: {
    name: "ValidationError",
    meaning: "A text cannot be the id of an execution.",
    advice: "Use 1 to 128 letters, digits and any of `. _ : -`, with a letter or digit first.",
    exit: EXIT.usage,
  },
  ERR_EXECUTION_EXISTS: {
    name: "ValidationError",
    meaning: "An execution was to begin under an id that another one has.",
    advice: "Choose another id, or resume the one that is there.",
    exit: EXIT.usage,
  },
  ERR_EXECUTION_UNKNOWN: {
    name: "ValidationError",
    meaning: "There is no execution with this id, or it belongs to another tenant.",
    advice: "`geppetto-js runs list` shows the executions that there are.",
    exit: EXIT.noFile,
  },
  ERR_EXECUTION_RUNNING: {
    name: "StepError",
    meaning: "An execution was to be resumed while another attempt of it is under way.",
    advice:
      "Wait for the process that the message names, or end it. One that has died on the same machine is taken over at once, one elsewhere after 30 seconds.",
    exit: EXIT.uncaught,
  },
  ERR_EXECUTION_ENDED: {
    name: "ValidationError",
    meaning: "An execution that has ended cannot be resumed, answered or cancelled.",
    advice: "`geppetto-js runs show ID` says how it ended. Begin a new one under another id.",
    exit: EXIT.usage,
  },
  ERR_EXECUTION_FENCED: {
    name: "StepError",
    meaning: "This attempt of an execution may not write any more: another attempt has taken it over.",
    advice: "Nothing is to be done: the other attempt goes on. This one was paused for too long, or cut off.",
    exit: EXIT.uncaught,
  },
  ERR_EXECUTION_ANSWER: {
    name: "ValidationError",
    meaning:
      "An answer was given to a question that an execution does not ask, that was answered already, or whose time is up.",
    advice: "`geppetto-js runs show ID` shows what it asks. Where it asks several, name one with `--question N`.",
    exit: EXIT.usage,
  },
  ERR_EXECUTION_SOURCE: {
    name: "ReplayError",
    meaning: "The script of an execution, or something that it imports, is not what it was when the execution began.",
    advice: "Resume it with the script of then, or accept the changed one: it goes on as long as it does the same.",
    exit: EXIT.replay,
  },
  ERR_EXECUTION_DIFFERS: {
    name: "ReplayError",
    meaning: "While an execution was brought back to where it was, something differed from what happened then.",
    advice: "The message names the first thing that differs. Resume it with the script and the settings of then.",
    exit: EXIT.replay,
  },
  ERR_EXECUTION_ENGINE: {
    name: "ReplayError",
    meaning: "An execution began with another version of Node or V8, or with other isolation or another time zone.",
    advice: "Resume it with what the message names.",
    exit: EXIT.replay,
  },
  ERR_RUN_INTERRUPTED: {
    name: "ProviderError",
    meaning: "The answer of a model or a step broke off when its process ended, and the script had seen a part of it.",
    advice: "Ask again: the error is transient, and `steps.withRetry` does so.",
    exit: EXIT.provider,
  },
  ERR_NOT_DURABLE: {
    name: "StepError",
    meaning: "A script waits for a message or an answer, and nobody can give it: its execution is not durable.",
    advice: "Run it with `--durable`, or answer at the terminal with `--approve ask`.",
    exit: EXIT.uncaught,
  },
  ERR_JOURNAL: {
    name: "StepError",
    meaning: "The journal of executions cannot be read or written: a full disk, a damaged file, a lost permission.",
    advice: "The message says which. What was not written has not happened: resume the execution once it can be.",
    exit: EXIT.output,
  },
  ERR_JOURNAL_VERSION: {
    name: "ConfigError",
    meaning: "A newer version of geppetto-js made the journal of executions.",
    advice: "Update geppetto-js, or use another journal.",
    exit: EXIT.config,
  },
  ERR_JOURNAL_LIMIT: {
    name: "LimitError",
    meaning: "A record, a message or the journal of an execution is larger than it may be, or too many messages wait.",
    advice: "Let the script call `execution.checkpoint(state)` from time to time, and keep large data elsewhere.",
    exit: EXIT.limit,
  },
  ERR_JOB_LOST: {
    name: "StepError",
    meaning:
      "A submitted script was set aside: three times in a row its worker or its guest was lost, and it got no further.",
    advice: "The message names the workers: look at their logs, and at the memory that the script takes.",
    exit: EXIT.uncaught,
  },
  ERR_WORKER_NAME: {
    name: "ConfigError",
    meaning: "A worker of this name is there already, in the same pool.",
    advice: "Give it another name, or wait 15 seconds where the other one was lost with its machine.",
    exit: EXIT.config,
  },
  ERR_STORE_LIMIT: {
    name: "LimitError",
    meaning: "A key or value of `store` is larger than it may be, or the store is full.",
    advice: "Keys have up to 512 characters, values 1 MB, a store 10,000 keys and 16 MB. Delete what is not needed.",
    exit: EXIT.limit,
  },
} satisfies Record<string, ErrorEntry>;
