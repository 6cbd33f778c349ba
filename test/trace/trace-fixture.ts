import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  RunLog,
  RuntimeEngine,
  setupDefaults,
  type RuntimeEngineOptions,
  type RunLogOptions,
  type RunRecord,
  type StepEvent,
} from "../../src/index.ts";
import { JournalRecorder, readJournal, type Journal } from "../../src/replay.ts";
import type { LoggedItem } from "../../src/recordings/index.ts";

export interface KeptRun {
  run: RunRecord;
  items: LoggedItem[];
  journal: Journal;
}

/** Runs a script as the command line does, and gives what is kept of it. */
export async function keepRun(
  code: string,
  options: RuntimeEngineOptions = {},
  logOptions: RunLogOptions = {},
): Promise<KeptRun> {
  const folder = mkdtempSync(join(tmpdir(), "geppetto-trace-test-"));
  try {
    using log = RunLog.open(join(folder, "runs.db"), logOptions);
    const logged = log.begin({ script: "script.js", source: code });
    const journal = new JournalRecorder({ write: (chunk) => logged.keepChunk(chunk), redact: (text) => text });
    await using engine = new RuntimeEngine({
      setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
      ...options,
      console: {
        stdout: (text) => logged.print("stdout", text),
        stderr: (text) => logged.print("stderr", text),
      },
      journal,
    });
    const seen = (async () => {
      for await (const { payload, ack } of engine.bus.subscribe<StepEvent>("step.*")) {
        journal.event();
        logged.record(payload);
        ack();
      }
    })();
    await engine.start();
    const { value: _, ...outcome } = await engine.runScript({ code, name: "script.js" });
    await engine.close();
    await seen;
    await journal.close({ exitCode: outcome.ok ? 0 : 1 });
    await logged.end(outcome, { exitCode: outcome.ok ? 0 : 1 });
    const run = log.show(logged.id)!;
    return { run, items: log.items(run.id), journal: await readJournal(log.journal(run.id)!.chunks) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
