const OPEN = "<think>";
const CLOSE = "</think>";
const FENCE_TICKS = 3;

export interface Piece {
  type: "text" | "reasoning";
  delta: string;
}

/**
 * Takes `<think>…</think>` out of a text that comes in pieces, cut anywhere: what stands between is reasoning. A block
 * at the beginning is told as it comes, without the white space around it. One further on waits for its end, since a
 * text may also be about the tag: without an end, or in code (after a backtick, between fences), it is text.
 */
export class ThinkSplitter {
  #state: "leading" | "text" | "think" | "maybe" = "leading";
  /** The end of what has come, where the next piece decides what it is. */
  #held = "";
  /** What waits before that: white space at the beginning, or a block that may be text. */
  #waiting: string[] = [];
  #code: CodeState = { inFence: false, ticks: 0 };
  #hasThought = false;
  #hasText = false;

  push(delta: string): Piece[] {
    this.#held += delta;
    const pieces: Piece[] = [];
    while (this.#advance(pieces));
    return pieces;
  }

  /** What is left when the text is over. */
  flush(): Piece[] {
    const pieces: Piece[] = [];
    const rest = this.#waiting.join("") + this.#held;
    const isTrailing = this.#state === "leading" && this.#hasThought;
    this.#tell(pieces, this.#state === "think" ? "reasoning" : "text", isTrailing ? rest.trimStart() : rest);
    this.#held = "";
    this.#waiting = [];
    this.#state = "text";
    return pieces;
  }

  /** One step; false when more text is needed for the next. */
  #advance(pieces: Piece[]): boolean {
    switch (this.#state) {
      case "leading":
        return this.#readLeading(pieces);
      case "text":
        return this.#readText(pieces);
      case "think":
        return this.#readThought(pieces);
      case "maybe":
        return this.#readMaybe(pieces);
    }
  }

  /** Nothing has come so far but white space and blocks. */
  #readLeading(pieces: Piece[]): boolean {
    const rest = this.#held.trimStart();
    const space = this.#held.slice(0, this.#held.length - rest.length);
    if (space !== "") this.#waiting.push(space);
    this.#held = rest;
    if (rest.startsWith(OPEN)) {
      this.#waiting = [];
      this.#held = rest.slice(OPEN.length);
      this.#state = "think";
      this.#hasThought = true;
      return true;
    }
    if (OPEN.startsWith(rest)) return false;
    if (!this.#hasThought) this.#tell(pieces, "text", this.#waiting.join(""));
    this.#waiting = [];
    this.#state = "text";
    return true;
  }

  #readText(pieces: Piece[]): boolean {
    let open = this.#held.indexOf(OPEN);
    while (open >= 0 && isCode(after(this.#code, this.#held.slice(0, open)))) {
      open = this.#held.indexOf(OPEN, open + OPEN.length);
    }
    const end = open < 0 ? this.#held.length - endingOf(this.#held, OPEN) : open;
    this.#tell(pieces, "text", this.#held.slice(0, end));
    this.#held = this.#held.slice(end);
    if (open < 0) return false;
    this.#state = "maybe";
    return true;
  }

  #readThought(pieces: Piece[]): boolean {
    const close = this.#held.indexOf(CLOSE);
    const end = close < 0 ? this.#held.length - endingOf(this.#held, CLOSE) : close;
    this.#tell(pieces, "reasoning", this.#held.slice(0, end));
    this.#held = this.#held.slice(close < 0 ? end : end + CLOSE.length);
    if (close < 0) return false;
    this.#state = this.#hasText ? "text" : "leading";
    return true;
  }

  #readMaybe(pieces: Piece[]): boolean {
    const close = this.#held.indexOf(CLOSE);
    const end = close < 0 ? this.#held.length - endingOf(this.#held, CLOSE) : close;
    this.#waiting.push(this.#held.slice(0, end));
    this.#held = this.#held.slice(close < 0 ? end : end + CLOSE.length);
    if (close < 0) return false;
    this.#tell(pieces, "reasoning", this.#waiting.join("").slice(OPEN.length));
    this.#waiting = [];
    this.#state = "text";
    return true;
  }

  #tell(pieces: Piece[], type: Piece["type"], delta: string): void {
    if (delta === "") return;
    pieces.push({ type, delta });
    if (type === "reasoning") return;
    this.#hasText = true;
    this.#code = after(this.#code, delta);
  }
}

/** Where a text is with regard to code in Markdown: `ticks` backticks stand right before. */
interface CodeState {
  inFence: boolean;
  ticks: number;
}

function isCode({ inFence, ticks }: CodeState): boolean {
  return inFence || ticks > 0;
}

function after(before: CodeState, text: string): CodeState {
  if (!text.includes("`")) return text === "" || before.ticks === 0 ? before : { inFence: before.inFence, ticks: 0 };
  let { inFence, ticks } = before;
  for (const run of text.matchAll(/`+|[^`]+/g)) {
    if (!run[0].startsWith("`")) ticks = 0;
    else {
      const isFence = ticks < FENCE_TICKS && ticks + run[0].length >= FENCE_TICKS;
      if (isFence) inFence = !inFence;
      ticks += run[0].length;
    }
  }
  return { inFence, ticks };
}

/** How many characters at the end of `text` may be the beginning of `tag`. */
function endingOf(text: string, tag: string): number {
  // Both tags have one of these, at their beginning.
  if (!text.includes("<", text.length - tag.length + 1)) return 0;
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length--) {
    if (tag.startsWith(text.slice(-length))) return length;
  }
  return 0;
}
