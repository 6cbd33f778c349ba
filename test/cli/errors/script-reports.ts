import { exitCodeOf } from "../../../src/errors/exit-code-of.ts";
import { ErrorReport, type ErrorContext } from "../../../src/cli/output/report-error.ts";
import { RuntimeEngine, setupDefaults, type ScriptOutcome } from "../../../src/index.ts";
import { Output } from "../../engine/engine-harness.ts";

export interface ReportedRun {
  outcome: ScriptOutcome;
  exitCode: number;
  /** What the command line prints of the script's error; "" where there is none. */
  text: string;
  /** The same as `--json` has it. */
  document: Record<string, unknown>;
  output: Output;
}

export interface ReportOptions extends Partial<ErrorContext> {
  args?: readonly string[];
}

/** Runs scripts in one engine and says what the command line would say of their errors, without starting it. */
export class ScriptReports implements AsyncDisposable {
  readonly #output = new Output();
  #engine: RuntimeEngine | undefined;

  async of(code: string, { args = [], ...given }: ReportOptions = {}): Promise<ReportedRun> {
    const engine = (this.#engine ??= await this.#start());
    const { label = "script.js", folder } = given;
    this.#output.out = this.#output.err = "";
    const script = { code, name: label, ...(folder === undefined ? {} : { folder }) };
    const outcome = await engine.runScript(script, { args });
    // process.exit() takes the realm with it.
    if (outcome.end === "exit") await this[Symbol.asyncDispose]();
    const context: ErrorContext = {
      source: code,
      label,
      file: label,
      denied: [],
      pending: "",
      untrusted: false,
      colors: false,
      sources: outcome.sources,
      ...given,
    };
    const report = outcome.error === undefined ? undefined : new ErrorReport(outcome.error, context);
    return {
      outcome,
      exitCode: await exitCodeOf(outcome),
      text: report?.toText() ?? "",
      document: { ...report?.toDocument() },
      output: this.#output,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine?.close();
    this.#engine = undefined;
  }

  async #start(): Promise<RuntimeEngine> {
    const engine = new RuntimeEngine({
      isolation: "thread",
      console: this.#output,
      setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 }, onNotice: () => {} })],
    });
    await engine.start();
    return engine;
  }
}
