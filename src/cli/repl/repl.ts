import type { ScriptError, SessionOutcome, StepEvent } from "../../index.ts";
import type { SessionSettings } from "../options/load-settings.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { ErrorReport } from "../output/report-error.ts";
import type { Terminal } from "../output/terminal.ts";
import { toJson } from "../output/to-json.ts";
import type { PermissionLog } from "../session/permission-log.ts";
import { ChatStream } from "./chat-stream.ts";
import { ReplEngine } from "./repl-engine.ts";

export interface ReplOptions {
  options: ScriptOptions;
  configured: SessionSettings;
  terminal: Terminal;
  uses: PermissionLog;
  /** Show the texts of chats as they come. */
  streams: boolean;
}

/** Most texts that are kept, for the frames of errors. */
const MAX_SOURCES = 200;

/** Runs what is typed, and shows what comes of it: values on stdout, the rest on stderr. */
export class Repl {
  readonly #given: ReplOptions;
  readonly #engine: ReplEngine;
  readonly #stream: ChatStream | undefined;
  /** By the names of the runs. */
  readonly #sources = new Map<string, string>();
  /** What has run, for `.save`. */
  readonly saved: string[] = [];
  /** Every event is shown. */
  showsEvents = false;
  #count = 0;
  #controller: AbortController | undefined;
  #exitCode: number | undefined;
  #isOver = false;

  constructor(given: ReplOptions) {
    this.#given = given;
    const { options, configured, terminal, uses, streams } = given;
    this.#stream = streams ? new ChatStream(terminal) : undefined;
    this.#engine = new ReplEngine({
      options,
      configured,
      terminal,
      uses,
      onPrint: () => this.#stream?.endLine(),
      session: {
        folder: process.cwd(),
        env: options.env ?? {},
        awaits: false,
        keepsLast: true,
        onEvent: (event) => this.#tell(event),
        onError: (error) => this.#say(error, "repl", "Uncaught "),
      },
    });
  }

  /** The code that the process is to end with. */
  get exitCode(): number {
    return this.#exitCode ?? this.#engine.session?.exitCode ?? 0;
  }

  /** `process.exit()` was called. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isRunning(): boolean {
    return this.#controller !== undefined;
  }

  get model(): string {
    return this.#engine.model;
  }

  useModel(model: string): Promise<void> {
    return this.#engine.useModel(model);
  }

  /** Starts what runs the code, while somebody still types. */
  async open(): Promise<void> {
    await this.#engine.open();
  }

  async complete(path: readonly string[], prefix: string): Promise<string[]> {
    return (await this.#engine.session?.complete(path, prefix)) ?? [];
  }

  /** Ends what runs: what was declared stays. */
  cancel(): void {
    this.#controller?.abort();
  }

  /**
   * Runs code and shows what comes of it. Says whether more of it may follow, which is then shown by nobody, unless it is
   * the last of it.
   */
  async run(
    code: string,
    { isLast, folder, name }: { isLast: boolean; folder?: string; name?: string },
  ): Promise<boolean> {
    const controller = new AbortController();
    this.#controller = controller;
    const named = name ?? `repl-${this.#count + 1}.ts`;
    this.#keepSource(named, code);
    try {
      const session = await this.#engine.open();
      this.#stream?.hasShown("");
      const outcome = await session.run(code, { signal: controller.signal, name: named, ...(folder && { folder }) });
      if (outcome.isIncomplete && !isLast) return false;
      this.#count++;
      if (outcome.end !== "load") this.saved.push(code);
      this.#show(outcome);
      return true;
    } finally {
      this.#controller = undefined;
    }
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }

  #show(outcome: SessionOutcome): void {
    const { terminal } = this.#given;
    const { text, error, unhandledErrors = [], end, name } = outcome;
    this.#stream?.endLine();
    if (end === "exit") {
      this.#isOver = true;
      this.#exitCode = outcome.exitCode ?? 0;
      return;
    }
    const isShown = text !== undefined && this.#stream?.hasShown(text) === true;
    if (text !== undefined && !isShown) terminal.write("stdout", `${text}\n`);
    if (end === "aborted") terminal.note("cancelled");
    else if (error !== undefined && error !== unhandledErrors[0]) this.#say(error, name);
    for (const unhandled of unhandledErrors) this.#say(unhandled, name, "Uncaught ");
    if (outcome.isOver) terminal.note("What was declared is gone with the guest that ran it; a new one begins");
  }

  #say(error: ScriptError, name: string, lead = ""): void {
    const { terminal, uses, options } = this.#given;
    this.#stream?.endLine();
    const report = new ErrorReport(error, {
      source: this.#sources.get(name) ?? "",
      label: name,
      file: name,
      folder: undefined,
      toSourceColumn: undefined,
      sources: Object.fromEntries(this.#sources),
      pending: "",
      untrusted: options.untrusted === true,
      denied: uses.denied,
      colors: terminal.colors.stderr,
    });
    terminal.note(`${lead}${report.toText()}`);
  }

  #tell(event: StepEvent): void {
    if (this.showsEvents) this.#given.terminal.note(toJson(event));
    else this.#stream?.tell(event);
  }

  #keepSource(name: string, code: string): void {
    if (this.#sources.size >= MAX_SOURCES) this.#sources.delete(this.#sources.keys().next().value!);
    this.#sources.set(name, code);
  }
}
