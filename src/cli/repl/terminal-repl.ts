import { clearLine, createInterface, cursorTo, emitKeypressEvents, type Interface, type Key } from "node:readline";
import type { Terminal } from "../output/terminal.ts";
import { completionTarget } from "./completion-target.ts";
import { DOT_COMMANDS, isDotCommand, runDotCommand } from "./dot-commands.ts";
import type { HistoryFile } from "./history-file.ts";
import type { Repl } from "./repl.ts";

const PROMPT = "> ";
const CONTINUED = "... ";
/** Has a terminal say where a paste begins and ends. */
const PASTE_ON = "\x1b[?2004h";
const PASTE_OFF = "\x1b[?2004l";

const KEYWORDS = (
  "async await break case catch class const continue default delete do else export extends false finally for function if " +
  "import in instanceof let new null return static super switch this throw true try typeof undefined var void while yield"
).split(" ");

const TO_EXIT = "(to leave, press Ctrl-C again, or Ctrl-D, or type .exit)";

/** Runs what a user types on a terminal. Resolves when the user leaves. */
export class TerminalRepl {
  readonly #repl: Repl;
  readonly #terminal: Terminal;
  readonly #history: HistoryFile | undefined;
  readonly #ended = Promise.withResolvers<void>();
  #lines!: Interface;
  /** What was typed of a statement so far. */
  #code = "";
  #isPasting = false;
  #mayLeave = false;
  /** Lines that were typed while code ran. */
  readonly #waiting: string[] = [];
  #isBusy = false;
  #isLeaving = false;
  #redraw: NodeJS.Immediate | undefined;

  constructor(repl: Repl, terminal: Terminal, history: HistoryFile | undefined) {
    this.#repl = repl;
    this.#terminal = terminal;
    this.#history = history;
  }

  async run(): Promise<void> {
    emitKeypressEvents(process.stdin);
    // Before the editor of lines hears of the key.
    process.stdin.on("keypress", this.#onKey);
    this.#lines = createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: true,
      prompt: PROMPT,
      history: this.#history?.latestFirst ?? [],
      historySize: 1_000,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, found: [string[], string]) => void) =>
        void this.#complete(line).then((found) => done(null, found)),
    });
    this.#lines.on("line", (line) => this.#onLine(line));
    this.#lines.on("SIGINT", () => this.#onInterrupt());
    this.#lines.on("close", () => this.#leave());
    // What code prints while a prompt stands there takes its place, and the prompt comes again below.
    this.#terminal.onWrite = () => {
      if (this.#isBusy || this.#isLeaving || this.#redraw !== undefined) return;
      clearLine(process.stdout, 0);
      cursorTo(process.stdout, 0);
      this.#redraw = setImmediate(() => {
        this.#redraw = undefined;
        if (!this.#isBusy && !this.#isLeaving) this.#lines.prompt(true);
      });
    };
    process.stdout.write(PASTE_ON);
    this.#lines.prompt();
    await this.#ended.promise;
    process.stdin.off("keypress", this.#onKey);
    process.stdout.write(PASTE_OFF);
  }

  readonly #onKey = (_: string | undefined, { name }: Key): void => {
    if (name === "paste-start") this.#isPasting = true;
    if (name !== "paste-end") return;
    this.#isPasting = false;
    // A paste that ends its last line is complete; else Enter ends it.
    if (this.#lines.line === "" && this.#code !== "" && !this.#isBusy) void this.#work("");
  };

  #onLine(line: string): void {
    if (this.#terminal.isAsking) return;
    this.#mayLeave = false;
    this.#history?.add(line);
    if (this.#isPasting) this.#code += this.#code === "" ? line : `\n${line}`;
    else if (this.#isBusy) this.#waiting.push(line);
    else void this.#work(line);
  }

  async #work(first: string): Promise<void> {
    this.#isBusy = true;
    let line: string | undefined = first;
    while (line !== undefined && !this.#isLeaving) {
      await this.#take(line);
      line = this.#waiting.shift();
    }
    this.#isBusy = false;
    if (this.#isLeaving) this.#ended.resolve();
    else this.#prompt();
  }

  async #take(line: string): Promise<void> {
    if (this.#code === "" && line.trim() === "") return;
    if (this.#code === "" && isDotCommand(line)) {
      if (!(await runDotCommand(line, this.#repl, this.#terminal))) this.#leave();
      return;
    }
    const code = this.#code === "" ? line : `${this.#code}\n${line}`;
    this.#code = "";
    const isDone = await this.#repl.run(code, { isLast: false });
    if (!isDone) this.#code = code;
    if (this.#repl.isOver) this.#leave();
  }

  #prompt(): void {
    if (!this.#terminal.atLineStart) this.#terminal.write("stdout", "\n");
    this.#lines.setPrompt(this.#code === "" ? PROMPT : CONTINUED);
    this.#lines.prompt();
  }

  #onInterrupt(): void {
    this.#waiting.length = 0;
    if (this.#isBusy) {
      this.#repl.cancel();
      return;
    }
    const isEmpty = this.#code === "" && this.#lines.line === "";
    if (isEmpty && this.#mayLeave) {
      this.#lines.close();
      return;
    }
    this.#code = "";
    // Takes away what stands on the line.
    this.#lines.write(null, { ctrl: true, name: "e" });
    this.#lines.write(null, { ctrl: true, name: "u" });
    process.stdout.write("\n");
    this.#mayLeave = isEmpty;
    if (isEmpty) process.stdout.write(`${TO_EXIT}\n`);
    this.#lines.setPrompt(PROMPT);
    this.#lines.prompt();
  }

  #leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#repl.cancel();
    this.#lines.close();
    if (!this.#isBusy) this.#ended.resolve();
  }

  async #complete(line: string): Promise<[string[], string]> {
    if (isDotCommand(line) || line === ".") return [DOT_COMMANDS.filter((name) => name.startsWith(line)), line];
    const target = completionTarget(line);
    if (target === undefined || this.#repl.isRunning) return [[], line];
    const { path, prefix } = target;
    const names = await this.#repl.complete(path, prefix).catch(() => []);
    const words = path.length > 0 ? [] : KEYWORDS.filter((word) => word.startsWith(prefix));
    return [[...new Set([...names, ...words])].toSorted(), prefix];
  }
}
