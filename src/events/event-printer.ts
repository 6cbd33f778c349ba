import { inputOf } from "../shared/chat-messages.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { ChatEvent } from "./chat-events.ts";
import { eventFromJSON } from "./event-from-json.ts";
import type { EventHandle } from "./event-router.ts";
import { refuseWrong, type FieldsOf } from "../shared/wrong-option.ts";

export interface EventPrinterOptions {
  /**
   * "text" (default): what a reader wants, deltas as they come; "json": one line per event; "yaml": one document per
   * event.
   */
  format?: "text" | "json" | "yaml";
  /** Put before the text of a run, or into each record, to tell several apart. */
  name?: string;
  /** Adds `meta` and `step` to the records of json and yaml, and usage and model to text; default false. */
  includeMetadata?: boolean;
  /** Prints events just as they are, whatever else is said; default false. Not for text. */
  full?: boolean;
  /** Default stdout. */
  output?: { write(text: string): unknown };
}

const PRINTER_FIELDS: FieldsOf<EventPrinterOptions> = {
  format: true,
  name: true,
  includeMetadata: true,
  full: true,
  output: true,
};

/**
 * A handler that prints events; to be given to `EventRouter.addHandler`. Use one for each topic: text keeps track of
 * where it is in a line.
 *
 * @example
 * router.addHandler("printer", "step.*", createEventPrinter({ format: "yaml" }));
 * @throws {GeppettoError} ConfigError for an unknown format.
 */
export function createEventPrinter(options: EventPrinterOptions = {}): EventHandle {
  refuseWrong("print events", options, PRINTER_FIELDS);
  const { format = "text", output = process.stdout } = options;
  if (!Object.hasOwn(PRINTERS, format)) {
    throw new GeppettoError("ConfigError", `Cannot print events as "${format}": it must be text, json or yaml`);
  }
  const print = PRINTERS[format](options);
  return async ({ payload }) => {
    const text = await print(await eventFromJSON(payload));
    if (text !== "") output.write(text);
  };
}

type Print = (event: ChatEvent) => string | Promise<string>;

const PRINTERS: Record<"text" | "json" | "yaml", (options: EventPrinterOptions) => Print> = {
  text: createTextPrinter,
  json: (options) => (event) => `${JSON.stringify(recordOf(event, options))}\n`,
  yaml: (options) => async (event) => {
    const { stringify } = await import("yaml");
    return `---\n${stringify(recordOf(event, options))}`;
  },
};

function recordOf(event: ChatEvent, { name, includeMetadata = false, full = false }: EventPrinterOptions): object {
  const named = name === undefined ? {} : { name };
  if (full) return { ...named, ...event };
  const { meta, step, seq: _, time: __, ...own } = event;
  return { ...named, ...own, ...(includeMetadata ? { meta, step } : {}) };
}

/** Deltas run together; everything else has lines of its own. */
function createTextPrinter({ name, includeMetadata = false }: EventPrinterOptions): Print {
  const label = name === undefined ? "" : `${name}: `;
  let isMidLine = false;
  let hasText = false;
  const endLine = (): string => {
    const end = isMidLine ? "\n" : "";
    isMidLine = false;
    return end;
  };
  const line = (text: string): string => `${endLine()}${text}\n`;
  return (event) => {
    switch (event.type) {
      case "start":
        hasText = false;
        return label === "" ? "" : line(label.trimEnd());
      case "partial":
        isMidLine = !event.delta.endsWith("\n");
        hasText = true;
        return event.delta;
      case "reasoning":
        return "";
      case "tool-call":
        return line(`→ ${event.toolCall.name} ${JSON.stringify(inputOf(event.toolCall))}`);
      case "tool-result":
        return line(`← ${textOf(event.toolResult.result)}`);
      case "progress": {
        const { value, total, message } = event.progress;
        const of = total === undefined ? "" : ` of ${total}`;
        return line(`… ${value}${of}${message === undefined ? "" : `: ${message}`}`);
      }
      case "log":
        return line(`${event.log.level}: ${textOf(event.log.data)}`);
      case "context": {
        const { action, messagesBefore, messagesAfter } = event.context;
        return line(`(context: ${action}, ${messagesBefore} messages to ${messagesAfter})`);
      }
      case "final": {
        const end = hasText ? endLine() : line(event.text);
        return end + (includeMetadata ? line(`(${describe(event)})`) : "");
      }
      case "error":
        return line(`${label}error: ${event.error}`);
      case "interrupt":
        return line(`${label}interrupted`);
      case "text":
      case "status":
        return line(event.text);
    }
  };
}

function describe({ meta, step }: ChatEvent): string {
  const { usage, durationMs } = step?.metadata ?? {};
  const facts = [
    meta?.engine ?? "",
    durationMs === undefined ? "" : `${durationMs} ms`,
    usage === undefined ? "" : JSON.stringify(usage),
  ];
  return facts.filter((fact) => fact !== "").join(", ");
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
