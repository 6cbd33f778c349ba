import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { reasonOf } from "../../files.ts";
import { redactorFor } from "../../index.ts";
import { loadSettings } from "../options/load-settings.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { errorLine } from "../options/usage-error.ts";
import { secretsOf } from "../options/secrets-of.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printNotes } from "../output/print-table.ts";
import { Terminal } from "../output/terminal.ts";
import { PermissionLog } from "../session/permission-log.ts";
import { runLogFile } from "../session/run-log-file.ts";
import { HistoryFile } from "./history-file.ts";
import { pipedRepl } from "./piped-repl.ts";
import { Repl } from "./repl.ts";
import { TerminalRepl } from "./terminal-repl.ts";

/** `geppetto-js repl` */
export async function replCommand(options: ScriptOptions): Promise<void> {
  const configured = await loadSettings(options, { source: "", name: "repl.ts", folder: process.cwd() });
  const { quiet, verbose } = options;
  const terminal = new Terminal(process.stdout, process.stderr, process.env);
  const warn = (text: string): void => void (quiet || terminal.note(text));
  for (const warning of configured.warnings) warn(warning);
  const isInteractive = process.stdin.isTTY && process.stdout.isTTY;
  const { GEPPETTO_AUDIT: file } = process.env;
  const uses = new PermissionLog({ file, runId: randomUUID(), script: "repl", warn });
  const repl = new Repl({ options, configured, terminal, uses, streams: isInteractive });
  const stop = stopAtSignals(repl);
  terminal.onBroken = (failure) => {
    if (failure === undefined) process.exit(isInteractive ? EXIT.hangup : EXIT.ok);
    // Of stderr nobody would hear.
    printNotes([errorLine({ message: `Cannot write to stdout: ${reasonOf(failure)}`, code: "ERR_OUTPUT" })]);
    process.exit(EXIT.output);
  };
  try {
    // It starts while somebody types; what fails then is said at the first statement.
    void repl.open().catch(() => {});
    if (isInteractive) {
      if (!quiet)
        terminal.note(
          `geppetto-js, ${repl.model} answers; .help shows the commands${verbose ? ` of ${process.cwd()}` : ""}`,
        );
      const secrets = secretsOf(configured.settings, process.env, options.env);
      const redact = redactorFor(secrets);
      const history = options.log ? new HistoryFile(historyFile(), (line) => redact(line, "history")) : undefined;
      await new TerminalRepl(repl, terminal, history).run();
      await history?.close();
    } else await pipedRepl(process.stdin as AsyncIterable<Buffer>, repl, terminal);
    process.exitCode = repl.exitCode;
  } finally {
    stop();
    await repl.close();
    uses.close();
  }
}

/** Where typed lines are kept: beside the log of runs. */
function historyFile(): string {
  return join(dirname(runLogFile()), "repl-history");
}

/** Ctrl-C cancels what runs, and ends the program where nothing does; so do the others at once. */
function stopAtSignals(repl: Repl): () => void {
  const onInterrupt = (): void => {
    if (repl.isRunning) repl.cancel();
    else process.exit(130);
  };
  const onTerminate = (): never => process.exit(143);
  const onHangUp = (): never => process.exit(129);
  process.on("SIGINT", onInterrupt).on("SIGTERM", onTerminate).on("SIGHUP", onHangUp);
  return () => void process.off("SIGINT", onInterrupt).off("SIGTERM", onTerminate).off("SIGHUP", onHangUp);
}
