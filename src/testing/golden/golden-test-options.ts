import type { Script } from "../../engine/script/load-script.ts";
import type { PendingWork, ScriptOutcome } from "../../engine/script/script-run.ts";
import type { DeterministicOptions } from "../../engine/time/deterministic.ts";
import type { BudgetLimits } from "../../providers/cost/budget.ts";
import type { DefaultsSettings } from "../../../runtime-setup/defaults.ts";
import type { TestDocument } from "../files/test-document.ts";
import type { GoldenTest } from "../files/test-files.ts";
import type { EngineSetup } from "../run/execute-script.ts";

/** What a script is tested with: what its settings come to. */
export interface PreparedTest {
  script: Script;
  engine: EngineSetup;
  models: Omit<DefaultsSettings, "budget" | "wrap" | "wrapEmbeddings" | "wrapFetch" | "wrapMcp">;
  /** What the calls to models may cost, of each run anew. */
  budget: BudgetLimits;
  /** Texts that no file and no report may hold. */
  secrets: readonly string[];
  /** How the script ended that has failed, in any number of lines. */
  describe(outcome: ScriptOutcome): string;
  /** Called when the test is over. */
  close?(): void;
}

/** How tests are run. */
export interface GoldenTestOptions {
  /** Finds out what a script is tested with. A ConfigError that this rejects with fails the test. */
  prepare(test: GoldenTest, document: TestDocument | undefined): Promise<PreparedTest>;
  /** Is nothing to be written, and no model to be asked? */
  isCI: boolean;
  /** Are goldens brought up to date, and what no test uses removed? */
  isUpdate: boolean;
  deterministic: DeterministicOptions;
  signal: AbortSignal;
  /** Hears of a test that has run for long, and what its script waits for. */
  onSlow?(test: GoldenTest, ms: number, pending: PendingWork): void;
  /** How long that is; default 10,000. */
  slowAfterMs?: number;
}

/** One test, with all that is known of it. */
export interface GoldenTestFacts {
  test: GoldenTest;
  document: TestDocument | undefined;
  prepared: PreparedTest;
  /** Takes secrets out of whatever is shown, compared or written. */
  redact: (text: string) => string;
  options: GoldenTestOptions;
}
