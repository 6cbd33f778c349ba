import { createInterface } from "node:readline";
import type { Answer, ApproveCall, ElicitationAnswer, McpElicitation } from "../../index.ts";
import type { Terminal } from "../output/terminal.ts";
import { acceptedForm, type FormField, formFields } from "./elicitation-form.ts";
import { shownInput } from "./shown-input.ts";
import { userName } from "./user-name.ts";

/** Longest text of a server's that is shown before the user is asked, in characters. */
const MAX_MESSAGE = 1_000;
/** So often a value is asked for that does not fit. */
const MAX_TRIES = 3;

type Consent = Omit<Answer, "question">;

/** Asks the user, one question at a time, whichever runs they belong to. */
export class Asker {
  readonly #terminal: Terminal;
  readonly #approved = new Set<string>();
  #previous: Promise<unknown> = Promise.resolve();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** May this call of a tool be made? */
  readonly approve: ApproveCall = ({ name, input }, { signal }) =>
    this.#inTurn(async () => {
      if (this.#approved.has(name)) return true;
      signal.throwIfAborted();
      const shown = `Call ${name.replace(/\s+/g, " ")}(${shownInput(input)})? [y]es, [N]o, [a]lways: `;
      const text = await this.#question(shown, signal);
      if (/^a(lways)?$/i.test(text)) this.#approved.add(name);
      return /^(y|yes|a|always)$/i.test(text);
    });

  /** The answer to a question of the script's own; what follows a yes or no is a note. */
  readonly consent = (question: string, { data, signal }: { data?: unknown; signal: AbortSignal }): Promise<Consent> =>
    this.#inTurn(async () => {
      signal.throwIfAborted();
      const about = data === undefined ? "" : ` ${shownInput(data)}`;
      const text = await this.#question(`${question.replace(/\s+/g, " ")}${about} [y]es, [N]o, and a note: `, signal);
      const [, word = "", note = ""] = /^(\S*)\s*(.*)$/s.exec(text) ?? [];
      return { approved: /^(y|yes)$/i.test(word), by: userName(), ...(note === "" ? {} : { note }) };
    });

  /** What an MCP server asks: first whether it is to be answered at all, then each value. */
  readonly elicit = (asked: McpElicitation, { signal }: { signal: AbortSignal }): Promise<ElicitationAnswer> =>
    this.#inTurn(async () => {
      signal.throwIfAborted();
      const { server, mode, message, url = "" } = asked;
      const fields = mode === "url" ? [] : formFields(asked);
      if (fields === undefined) {
        this.#terminal.note(
          `Declining what the MCP server "${server}" asks: it is not a form that can be filled in here`,
        );
        return { action: "decline" };
      }
      const what = mode === "url" ? `asks you to open ${shortText(url)} and says` : "asks";
      const how = mode === "url" ? "Have you done it?" : fields.length === 0 ? "Accept?" : "Answer?";
      const question = `The MCP server "${server}" ${what}: ${shortText(message)}\n${how} [y]es, [N]o: `;
      if (!/^(y|yes)$/i.test(await this.#question(question, signal))) return { action: "decline" };
      const values = new Map<string, NonNullable<ReturnType<FormField["read"]>>>();
      for (const field of fields) {
        const value = await this.#valueOf(field, signal);
        if (value === undefined && field.isRequired) return { action: "cancel" };
        if (value !== undefined) values.set(field.name, value);
      }
      return acceptedForm(values);
    });

  /** Undefined where none is given, or none that fits. */
  async #valueOf(field: FormField, signal: AbortSignal): Promise<ReturnType<FormField["read"]>> {
    for (let i = 0; i < MAX_TRIES; i++) {
      const text = await this.#question(`  ${field.question}`, signal);
      const value = text === "" ? field.default : field.read(text);
      if (value !== undefined || (text === "" && !field.isRequired) || process.stdin.readableEnded) return value;
    }
    return undefined;
  }

  #inTurn<T>(ask: () => Promise<T>): Promise<T> {
    const answer = this.#previous.then(ask);
    this.#previous = answer.catch(() => {});
    return answer;
  }

  /** A line of stdin; "" where it has ended. */
  async #question(text: string, signal: AbortSignal): Promise<string> {
    if (process.stdin.readableEnded) return "";
    const answered = this.#terminal.ask(text);
    let endsLine = false;
    const lines = createInterface({ input: process.stdin, terminal: false });
    try {
      return await new Promise<string>((resolve, reject) => {
        lines.once("line", (line) => {
          endsLine = true;
          resolve(line.trim());
        });
        lines.once("close", () => resolve(""));
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      });
    } finally {
      lines.close();
      answered({ endsLine });
    }
  }
}

function shortText(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE).toWellFormed()}…` : line;
}
