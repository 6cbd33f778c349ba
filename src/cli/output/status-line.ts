import { fitWidth } from "./display-width.ts";
import type { OutputStream } from "./terminal.ts";

/** How often the line is drawn anew, in milliseconds. Nothing is drawn before the first time: short scripts show none. */
const REDRAW_MS = 150;
const ERASE = "\r\x1b[2K";

export interface StatusLineOptions {
  /** What to show now; undefined shows nothing. Without control characters. */
  describe(): string | undefined;
  /** Is the terminal's current line free? */
  isFree(): boolean;
}

/** One line at the bottom of a terminal that says what runs now. Drawn on a free line only, and erased again. */
export class StatusLine {
  readonly #stream: OutputStream;
  readonly #options: StatusLineOptions;
  readonly #timer: NodeJS.Timeout;
  #shown = "";

  constructor(stream: OutputStream, options: StatusLineOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#timer = setInterval(() => this.draw(), REDRAW_MS);
    this.#timer.unref();
  }

  /** Draws what there is to say now. */
  draw(): void {
    const { describe, isFree } = this.#options;
    const text = isFree() ? (describe() ?? "") : "";
    // Some terminals say that they have no columns at all.
    const width = (this.#stream.columns || 80) - 1;
    const line = fitWidth(text, width);
    if (line === this.#shown) return;
    this.erase();
    this.#shown = line;
    if (line !== "") this.#stream.write(line);
  }

  /** Takes the line away, for something else to be written in its place. */
  erase(): void {
    if (this.#shown !== "") this.#stream.write(ERASE);
    this.#shown = "";
  }

  close(): void {
    clearInterval(this.#timer);
    this.erase();
  }
}
