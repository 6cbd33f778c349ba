import { expect } from "vitest";
import {
  RuntimeEngine,
  setupDefaults,
  type ConsoleSink,
  type RuntimeEngineOptions,
  type ScriptOutcome,
} from "../../src/index.ts";

export const ISOLATIONS = ["thread", "process"] as const;

/** Collects what a guest prints. */
export class Output implements ConsoleSink {
  out = "";
  err = "";

  stdout = (text: string): void => {
    this.out += text;
  };

  stderr = (text: string): void => {
    this.err += text;
  };

  get lines(): string[] {
    return this.out.split("\n").slice(0, -1);
  }
}

export interface TestEngine {
  engine: RuntimeEngine;
  output: Output;
  /** Runs a script with a name that the assertions can count on. */
  run(code: string): Promise<ScriptOutcome>;
}

/**
 * Starts an engine with everything, hands it to the test, and afterwards checks that nothing of it is left: no holds,
 * runs, ops or topics before the close, no handles of its own after it.
 */
export async function withEngine(
  options: RuntimeEngineOptions,
  test: (fixture: TestEngine) => Promise<void>,
): Promise<void> {
  const before = handles();
  const output = new Output();
  const engine = new RuntimeEngine({
    console: output,
    setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
    ...options,
  });
  try {
    await engine.start();
    await test({ engine, output, run: (code) => engine.runScript({ code }) });
    const { timers, runs, ops, topics } = engine.stats();
    expect({ timers, runs, ops, topics }).toEqual({ timers: 0, runs: 0, ops: 0, topics: 0 });
  } finally {
    await engine.close();
    // A test that fails leaves nothing for the next one either.
    await expect.poll(handles).toEqual(before);
  }
}

/** What keeps this process alive, of the kinds that an engine makes. */
function handles(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (/Pipe|Process|MessagePort|Worker|TCP/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
