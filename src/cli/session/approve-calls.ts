import { createInterface } from "node:readline";
import type { ApproveCall } from "../../index.ts";
import { formatCount } from "../options/quantities.ts";
import { toJson } from "../output/to-json.ts";
import type { Terminal } from "../output/terminal.ts";

/** Characters of a call's input that are shown before it is asked for. */
const MAX_INPUT = 2_000;

export interface ApproveCallsOptions {
  when: "ask" | "never" | "always";
  terminal: Terminal;
  /** Is there somebody to ask, and are stdin and stderr theirs? */
  isInteractive: boolean;
}

/** Who decides about tool calls, as `--approve` says; undefined where all are made. */
export function approveCalls({ when, terminal, isInteractive }: ApproveCallsOptions): ApproveCall | undefined {
  if (when === "always") return undefined;
  if (when === "never") return () => false;
  return isInteractive ? new Asker(terminal).ask : refuseAll(terminal);
}

function refuseAll(terminal: Terminal): ApproveCall {
  let said = false;
  return ({ name }) => {
    if (!said) {
      terminal.note(`Refusing the call of "${name}", and all others: --approve ask needs a terminal to ask on`);
    }
    said = true;
    return false;
  };
}

/** Asks the user, one call at a time, whichever runs they belong to. */
class Asker {
  readonly #terminal: Terminal;
  readonly #approved = new Set<string>();
  #previous: Promise<unknown> = Promise.resolve();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  readonly ask: ApproveCall = ({ name, input }, { signal }) => {
    const answer = this.#previous.then(async () => {
      if (this.#approved.has(name)) return true;
      signal.throwIfAborted();
      const text = await this.#question(
        `Call ${name.replace(/\s+/g, " ")}(${shownInput(input)})? [y]es, [N]o, [a]lways: `,
        signal,
      );
      if (/^a(lways)?$/i.test(text)) this.#approved.add(name);
      return /^(y|yes|a|always)$/i.test(text);
    });
    this.#previous = answer.catch(() => {});
    return answer;
  };

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

function shownInput(input: unknown): string {
  const text = toJson(input);
  if (text.length <= MAX_INPUT) return text;
  return `${text.slice(0, MAX_INPUT)}… and ${formatCount(text.length - MAX_INPUT, "more character")}`;
}
