import { join } from "node:path";
import { SqliteJournal, type Waiting } from "../../../src/index.ts";
import { runCli, ScriptFolder, startCli, type CliOptions, type CliProcess, type CliResult } from "../run-cli.ts";

/** A folder of scripts with a journal of executions of its own. */
export class JournalFolder extends ScriptFolder {
  readonly journalFile: string = join(this.path, "data", "executions.db");

  cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return runCli(args, this.#withJournal(options));
  }

  start(args: readonly string[], options: CliOptions = {}): CliProcess {
    return startCli(args, this.#withJournal(options));
  }

  open(): Promise<SqliteJournal> {
    return SqliteJournal.open(this.journalFile);
  }

  /** An execution that waits for these, which another program has begun. */
  async suspend(id: string, waitsFor: readonly Waiting[], script = "order.js"): Promise<void> {
    await using journal = await this.open();
    const lease = await journal.begin(id, { script });
    await lease.release({ state: "suspended", waitsFor });
  }

  async isDue(id: string): Promise<boolean> {
    await using journal = await this.open();
    return ((await journal.get(id))?.dueAt ?? Infinity) <= Date.now();
  }

  /** What it has been told and nobody has taken. */
  async messages(id: string): Promise<object[]> {
    await using journal = await this.open();
    const lease = await journal.resume(id);
    return (await lease.waitingMessages()).map(({ message }) => message);
  }

  #withJournal({ env = {}, cwd = this.path, ...options }: CliOptions): CliOptions {
    const GEPPETTO_LOG = join(this.path, "data", "runs.db");
    return { ...options, cwd, env: { GEPPETTO_LOG, ...env } };
  }
}
