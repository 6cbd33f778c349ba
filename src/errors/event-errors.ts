import { EXIT } from "./exit-codes.ts";
import type { ErrorEntry } from "./error-entry.ts";

/** What goes wrong with events and messages on a bus; only host apps meet these. */
export const eventErrors = {
  ERR_EVENT: {
    name: "ValidationError",
    meaning: "A text or an object is not an event of a step.",
    advice: "The message names the first field that is wrong.",
  },
  ERR_UNDECODABLE: {
    name: "ValidationError",
    meaning: "A message on NATS could not be decoded, so no handler saw it.",
    advice: "Find out who else publishes to the topic. A poison queue keeps such messages.",
  },
  ERR_PUBLISH: {
    name: "StepError",
    meaning: "A message could not be published.",
    advice: "Look at the cause. Another attempt may help.",
  },
  ERR_CLOSED: {
    name: "StepError",
    meaning: "A message was published on a bus that has been closed.",
    advice: "Close the bus after everything that publishes on it.",
  },
  ERR_NATS: {
    name: "StepError, ConfigError",
    meaning: "The connection to NATS, or a JetStream stream, could not be opened.",
    advice: "Check the server's address and that JetStream is on.",
    exit: EXIT.output,
  },
} satisfies Record<string, ErrorEntry>;
