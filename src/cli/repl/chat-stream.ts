import type { StepEvent } from "../../index.ts";
import type { Terminal } from "../output/terminal.ts";

/** Shows the text of a chat as it comes: of one at a time, since the texts of two would mix. */
export class ChatStream {
  readonly #terminal: Terminal;
  #runId: string | undefined;
  #text = "";

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  tell(event: StepEvent): void {
    const { stepId, type } = event.step;
    if (event.type === "partial" && type === "chat") {
      this.#runId ??= stepId;
      if (this.#runId !== stepId) return;
      this.#text += event.delta;
      this.#terminal.write("stdout", event.delta);
    } else if (
      stepId === this.#runId &&
      (event.type === "final" || event.type === "error" || event.type === "interrupt")
    ) {
      this.endLine();
      this.#runId = undefined;
    }
  }

  /** What follows begins on a line of its own. */
  endLine(): void {
    if (this.#runId !== undefined && this.#text !== "" && !this.#terminal.atLineStart)
      this.#terminal.write("stdout", "\n");
  }

  /** Has this text been shown as it came since the last time that this was asked? */
  hasShown(text: string): boolean {
    const isShown = this.#text !== "" && this.#text === text;
    this.#runId = undefined;
    this.#text = "";
    return isShown;
  }
}
