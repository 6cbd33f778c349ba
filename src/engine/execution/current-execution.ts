import type { PersonWaits } from "../../base/calls/person-waits.ts";
import type { Answer } from "../../journal/executions/journal.ts";
import { encodeValue } from "../../shared/codec.ts";
import { FRAMES } from "../../shared/contract/frame-kinds.ts";
import { decodeValue } from "../../shared/decode.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";
import type { ExecutionOptions } from "../engine-options.ts";
import type { LoadedScript } from "../script/load-script.ts";
import { ExecutionWaits, type Consent } from "./execution-waits.ts";
import { Execution, type ExecutionHost } from "./execution.ts";

const NEVER_ABORTED = new AbortController().signal;

/** What goes with a question to whoever answers. */
export interface QuestionOptions {
  /** What it is about: whatever can cross the wall. */
  data?: unknown;
  /** Nobody waits for the answer any more. */
  signal?: AbortSignal;
}

/** The host's half of `execution.*`, for the script that runs: its execution lasts, or ends with the engine. */
export class CurrentExecution {
  readonly #runsScript: () => boolean;
  readonly #personWaits: PersonWaits;
  #lasting: Execution | undefined;
  /** Of one that does not last. */
  #waits: ExecutionWaits | undefined;

  constructor(runsScript: () => boolean, personWaits: PersonWaits) {
    this.#runsScript = runsScript;
    this.#personWaits = personWaits;
  }

  get lasting(): Execution | undefined {
    return this.#lasting;
  }

  get waits(): ExecutionWaits {
    if (this.#lasting !== undefined) return this.#lasting.waits;
    this.#waits ??= new ExecutionWaits(undefined, { lastNumber: 0, personWaits: this.#personWaits });
    return this.#waits;
  }

  /** From here on what crosses is kept. */
  async lasts(options: ExecutionOptions, host: ExecutionHost, script: LoadedScript): Promise<void> {
    this.#lasting = await Execution.take(options, host, script);
    await host.session.enterChecked(FRAMES.execution_begin, this.#lasting.attach());
  }

  /** Does what is seen outside when all before it is kept, where the execution lasts; else at once. */
  whenKept(then: () => void): void {
    if (this.#lasting === undefined) then();
    else this.#lasting.whenKept(then);
  }

  async send(name: string, payload: unknown): Promise<void> {
    this.#checkRuns("send");
    const copy = decodeValue(encodeValue(payload));
    if (this.#lasting === undefined) this.waits.tell({ kind: "send", name, payload: copy });
    else await this.#lasting.send(name, copy);
  }

  async approve(answer: Answer): Promise<void> {
    this.#checkRuns("approve");
    if (this.#lasting === undefined) this.waits.answer(answer);
    else await this.#lasting.approve(answer);
  }

  async ask(question: string, options: QuestionOptions): Promise<Consent> {
    refuseWrong("ask", options, { data: true, signal: true });
    const { data, signal = NEVER_ABORTED } = options;
    this.#checkRuns("ask");
    const asked = data === undefined ? {} : { data };
    return (await this.waits.wait({ kind: "approve", question, ...asked }, signal)) as Consent;
  }

  /** The script is over, and all of it. */
  end(): void {
    this.#lasting = undefined;
    this.#waits?.end();
    this.#waits = undefined;
  }

  #checkRuns(action: string): void {
    if (this.#runsScript()) return;
    throw new GeppettoError("ConfigError", `Cannot ${action}: no script runs in the engine`);
  }
}
