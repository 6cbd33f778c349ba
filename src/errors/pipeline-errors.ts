import { EXIT } from "./exit-codes.ts";
import type { ErrorEntry } from "./error-entry.ts";

/** What goes wrong in pipelines and their stages. */
export const pipelineErrors = {
  ERR_PIPELINE: {
    name: "ConfigError",
    meaning: "The graph of a pipeline cannot be built. The message lists everything that is wrong.",
    advice: "Give each stage a name of its own, and connect only stages that were added.",
    exit: EXIT.config,
  },
  ERR_STAGE: {
    name: "StageError",
    meaning: "A stage failed, and the execution with it. `stage` is its name, `cause` the error.",
    advice: "Look at the cause.",
    exit: EXIT.uncaught,
  },
  ERR_ELEMENT: {
    name: "ValidationError",
    meaning: "An element did not pass a `validation` stage. The message lists everything that is wrong.",
    advice: "Mend the input, or choose with `onFailure` what happens to such elements.",
  },
  ERR_TEMPLATE: {
    name: "ConfigError",
    meaning: "A template of `promptAssembly` cannot be read.",
    advice: "A place is `{{name}}`. The message says what is wrong.",
  },
  ERR_TEMPLATE_VARIABLES: {
    name: "ValidationError",
    meaning: "A template has places without a value. The message names all of them.",
    advice: "Give the values in `metadata.variables`, `variables` or `defaults`.",
  },
  ERR_STATE_STORE: {
    name: "StageError",
    meaning: "The file of a `SqliteStateStore` cannot be used: it is damaged, locked, or belongs to another program.",
    advice: "Check the file that the message names. It was left as it is.",
  },
  ERR_AUDIO: {
    name: "ValidationError",
    meaning: "`voiceActivity` got audio that is not PCM16, or that changes its sample rate or channels.",
    advice: "Convert the audio before this stage.",
  },
  ERR_FRAME: {
    name: "ValidationError",
    meaning: "The other side of a socket sent a frame that cannot be read.",
    advice: "See docs/pipelines.md for the frames.",
  },
  ERR_SOCKET: {
    name: "StageError",
    meaning: "The connection of a socket broke.",
    advice: "Connect again with a new execution. Nothing reconnects by itself.",
  },
  ERR_SOCKET_LIMIT: {
    name: "LimitError",
    meaning: "The other side of a socket sent more than fits.",
    advice: "Raise `maxMessageBytes` or `maxQueuedBytes`, or read faster.",
  },
} satisfies Record<string, ErrorEntry>;
