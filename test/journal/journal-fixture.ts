import {
  RuntimeEngine,
  setupDefaults,
  type RuntimeEngineOptions,
  type Script,
  type ScriptOutcome,
} from "../../src/index.ts";
import { JournalRecorder, playJournal, readJournal, type Journal } from "../../src/replay.ts";
import { mayHoldSecrets, redactSecrets } from "../../src/recordings/redact-secrets.ts";
import { Output } from "../engine/engine-harness.ts";

export interface RecordedRun {
  output: Output;
  outcome: ScriptOutcome;
  chunks: Uint8Array[];
  journal: Journal;
}

/** Runs a script in a fresh engine and keeps its journal. */
export async function record(
  script: Script | string,
  options: RuntimeEngineOptions = {},
  { maxBytes }: { maxBytes?: number } = {},
): Promise<RecordedRun & { failure: string | undefined }> {
  const output = new Output();
  const chunks: Uint8Array[] = [];
  const recorder = new JournalRecorder({
    write: (chunk) => void chunks.push(chunk),
    redact: (text) => redactSecrets(text, ""),
    mayRedact: mayHoldSecrets,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  await using engine = new RuntimeEngine({
    console: output,
    setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
    ...options,
    journal: recorder,
  });
  await engine.start();
  const outcome = await engine.runScript(typeof script === "string" ? { code: script } : script);
  await recorder.close({ exitCode: 0 });
  const journal = recorder.failure === undefined ? await readJournal(chunks) : undefined;
  return { output, outcome, chunks, journal: journal!, failure: recorder.failure };
}

/** What a journal prints when it is played. */
export async function play(journal: Journal): Promise<Output> {
  const output = new Output();
  await playJournal(journal, {
    output: (stream, text) => output[stream](text),
    said: () => {},
    event: () => {},
  });
  return output;
}
