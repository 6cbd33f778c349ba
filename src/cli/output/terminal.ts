import type { ConsoleSink } from "../../index.ts";

/** The colours that our own formatting uses; every other control sequence of a script is made visible. */
const CONTROLS =
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  /\x1b\[(?:0|1|2|3|4|22|23|24|3[0-79]|90)m|\r\n|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function visible(control: string): string {
  if (control.length > 1) return control;
  const code = control.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : `\\u${code.toString(16).padStart(4, "0")}`;
}

/** Text that cannot steer a terminal: control characters but tab and newline are shown as pictures of themselves. */
export function defuse(text: string): string {
  return text.replace(CONTROLS, visible);
}

/** What a terminal needs of a stream. */
export interface OutputStream {
  isTTY?: boolean;
  columns?: number;
  /** Set as soon as a write has failed; the event comes later. */
  errored?: Error | null;
  write(text: string): unknown;
  on(event: "error", listener: (error: NodeJS.ErrnoException) => void): unknown;
  off(event: "error", listener: (error: NodeJS.ErrnoException) => void): unknown;
}

/** The parts of the environment that decide about colours and the status line. */
export type TerminalEnvironment = Readonly<Record<string, string | undefined>>;

/** Is text for this stream to be coloured? FORCE_COLOR wins over NO_COLOR, as it does for Node itself. */
export function wantsColors({ isTTY = false }: Pick<OutputStream, "isTTY">, env: TerminalEnvironment): boolean {
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  if (env["NO_COLOR"]) return false;
  return isTTY && !env["CI"] && env["TERM"] !== "dumb";
}

/** Did whoever read a stream stop to do so? That is theirs to decide. A terminal that was closed says EIO. */
export function isReaderGone({ code }: NodeJS.ErrnoException, { isTTY = false }: Pick<OutputStream, "isTTY">): boolean {
  return code === "EPIPE" || code === "ECONNRESET" || (code === "EIO" && isTTY);
}

const STREAMS = ["stdout", "stderr"] as const;
type StreamName = (typeof STREAMS)[number];

/** Most that a script prints into a pipe or a file before it is written, in characters. */
const MAX_HELD_CHARS = 16_384;
/** How long it waits for more, in milliseconds. */
const HOLD_MS = 2;

/**
 * The two streams of this process. Text for a terminal is defused. What is written for the moment (a status line) is
 * erased before anything else is written. Once it is disposed of, it hears no more of what becomes of the streams.
 */
export class Terminal implements Disposable {
  readonly colors: { stdout: boolean; stderr: boolean };
  readonly #streams: Record<StreamName, OutputStream>;
  #atLineStart = true;
  /** What is to be written when the user has answered. */
  #waiting: [StreamName, string][] | undefined;
  /** What a script has just printed, all of it to one stream that is not a terminal. */
  #held: { name: StreamName; text: string } | undefined;
  /** Called before each write. */
  onWrite: () => void = () => {};
  /** Called when the reader of a stream has gone, or the stream cannot be written to, with the error if it is that. */
  onBroken: (failure: Error | undefined) => void = () => {};
  #broken = false;

  constructor(stdout: OutputStream, stderr: OutputStream, env: TerminalEnvironment) {
    this.#streams = { stdout, stderr };
    this.colors = { stdout: wantsColors(stdout, env), stderr: wantsColors(stderr, env) };
    for (const name of STREAMS) this.#streams[name].on("error", this.#onError[name]);
  }

  [Symbol.dispose](): void {
    this.flush();
    process.off("exit", this.flush);
    for (const name of STREAMS) this.#streams[name].off("error", this.#onError[name]);
  }

  /** Nothing stands on the terminal's current line: what is drawn there mixes with nothing. */
  get atLineStart(): boolean {
    return this.#atLineStart;
  }

  write(name: StreamName, text: string): void {
    this.flush();
    this.#put(name, text);
  }

  /**
   * Writes what a script prints. What comes within moments goes into a pipe or a file in one go: a write for each line would
   * take longer than all else that is done for it.
   */
  #print(name: StreamName, text: string): void {
    if (this.#streams[name].isTTY === true) return this.write(name, text);
    if (this.#held?.name !== name) this.flush();
    if (this.#held === undefined) {
      this.#held = { name, text };
      setTimeout(this.flush, HOLD_MS);
      // Whatever ends this process, what it has heard is written; a listener is there once.
      process.off("exit", this.flush).once("exit", this.flush);
    } else this.#held.text += text;
    if (this.#held.text.length >= MAX_HELD_CHARS) this.flush();
  }

  /** Writes what is held. To be called before anybody else writes to the same streams. */
  readonly flush = (): void => {
    if (this.#held === undefined) return;
    const { name, text } = this.#held;
    this.#held = undefined;
    this.#put(name, text);
  };

  #put(name: StreamName, text: string): void {
    if (this.#broken || text === "") return;
    if (this.#waiting !== undefined) {
      this.#waiting.push([name, text]);
      return;
    }
    this.onWrite();
    const stream = this.#streams[name];
    if (stream.isTTY) {
      stream.write(defuse(text));
      this.#atLineStart = text.endsWith("\n");
    } else stream.write(text);
    // A guest in this process that prints without end leaves no room for the event.
    const { errored } = stream;
    if (errored) setImmediate(() => this.#break(errored, stream));
  }

  readonly #onError = {
    stdout: (error: NodeJS.ErrnoException): void => this.#break(error, this.#streams.stdout),
    stderr: (error: NodeJS.ErrnoException): void => this.#break(error, this.#streams.stderr),
  };

  #break(error: NodeJS.ErrnoException, stream: OutputStream): void {
    if (this.#broken) return;
    this.#broken = true;
    this.onBroken(isReaderGone(error, stream) ? undefined : error);
  }

  /**
   * Asks the user something on stderr. Nothing else is written, so that nothing passes for a part of the question, until
   * the function that this returns is called, with whether the user has ended the line.
   */
  ask(question: string): (answer: { endsLine: boolean }) => void {
    this.write("stderr", this.#atLineStart ? question : `\n${question}`);
    const waiting: [StreamName, string][] = [];
    this.#waiting = waiting;
    return ({ endsLine }) => {
      this.#waiting = undefined;
      if (!endsLine) this.write("stderr", "\n");
      this.#atLineStart = true;
      for (const [name, text] of waiting) this.write(name, text);
    };
  }

  /** What is typed is the answer to a question. */
  get isAsking(): boolean {
    return this.#waiting !== undefined;
  }

  /** One line on stderr, in our own words. It begins on a line of its own. */
  note(text: string): void {
    const lead = this.#atLineStart || !this.#streams.stderr.isTTY ? "" : "\n";
    this.write("stderr", `${lead}${text}\n`);
  }

  /** Where a script's output goes. */
  sink(): ConsoleSink {
    return {
      stdout: (text) => this.#print("stdout", text),
      stderr: (text) => this.#print("stderr", text),
      colors: this.colors,
    };
  }
}
