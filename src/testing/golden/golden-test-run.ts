import { basename } from "node:path";
import { reasonOf } from "../../base/reason-of.ts";
import { Budget } from "../../providers/cost/budget.ts";
import { setupDefaults } from "../../../runtime-setup/defaults.ts";
import { firstDifferentLine, unifiedDiff } from "../compare/unified-diff.ts";
import {
  compareGolden,
  encodingError,
  type Golden,
  readGolden,
  withLineFeeds,
  writeGolden,
} from "../files/golden-file.ts";
import { executeScript, type Execution } from "../run/execute-script.ts";
import { describeRecording, TestCassette, type ModelWraps } from "../run/test-cassette.ts";
import { checkExpectations } from "./check-expectations.ts";
import type { GoldenTestFacts } from "./golden-test-options.ts";
import type { TestFailure, TestResult } from "./test-result.ts";

/** A golden is taken when so many runs in a row agree. */
const RUNS = 3;
const SLOW_MS = 10_000;

/** One test: the runs of its script, what is held against them, and what is written. */
export class GoldenTestRun {
  readonly #facts: GoldenTestFacts;
  readonly #failures: TestFailure[] = [];
  readonly #notes: string[] = [];
  #cassette!: TestCassette;

  constructor(facts: GoldenTestFacts) {
    this.#facts = facts;
  }

  /** @throws {GeppettoError} for a golden or cassette that cannot be used. */
  async run(): Promise<Omit<TestResult, "test" | "durationMs">> {
    const { test, document, options } = this.#facts;
    const there = this.#readGolden();
    const isMissing = there === "missing";
    this.#cassette = await this.#openCassette(isMissing);
    const first = await this.#execute(this.#cassette.wraps());
    this.#failures.push(...(await checkExpectations(first, this.#facts)));
    const hasFailed = first.exitCode !== (document?.expect?.exit ?? 0);
    const wanted = this.#wantedGolden(there, first.output);
    const isTaken = wanted !== undefined && (await this.#takesGolden(wanted, first));
    // What a script that fails was answered is asked again.
    const recorded = hasFailed || options.isCI ? 0 : await this.#saveCassette();
    const golden = isTaken ? await this.#writeGolden(wanted, first.output) : undefined;
    const isPassed = this.#failures.length === 0;
    const unused = isPassed ? this.#cassette.unused.map(describeRecording) : [];
    if (unused.length > 0 && options.isUpdate && !options.isCI)
      await this.#write(test.cassette, () => this.#cassette.removeUnused());
    const { redact } = this.#facts;
    return {
      status: this.#failures.length === 0 ? "passed" : "failed",
      failures: this.#failures.map((failure) => redactFailure(failure, redact)),
      notes: this.#notes,
      ...(golden === undefined ? {} : { golden }),
      recorded,
      unused: unused.map(redact),
    };
  }

  /** A file that cannot be read is made anew, where that is asked for. */
  #readGolden(): Golden | "missing" | "unreadable" {
    const { test, options } = this.#facts;
    const found = readGolden(test.golden) ?? "missing";
    if (found === "missing" || "text" in found) return found;
    if (options.isUpdate && !options.isCI) return "unreadable";
    throw encodingError(test.golden, found);
  }

  #openCassette(isMissing: boolean, { keepsEmbedded = this.#isGoldenWanted() } = {}): Promise<TestCassette> {
    const { test, options, redact } = this.#facts;
    return TestCassette.open(test.cassette, {
      redact,
      mayAsk: !options.isCI,
      keepsEmbedded: isMissing && keepsEmbedded && !options.isCI,
    });
  }

  /** Is there to be a golden where there is none yet? Other expectations can do without. */
  #isGoldenWanted(): boolean {
    const { document, options } = this.#facts;
    const { expect } = document ?? {};
    return expect === undefined || (options.isUpdate && expect.stdout === undefined);
  }

  /** What is to become of the golden; undefined where it is as it should be, or not asked for. */
  #wantedGolden(
    there: Golden | "missing" | "unreadable",
    output: string,
  ): Golden | "missing" | "unreadable" | undefined {
    if (there === "unreadable") return there;
    if (there === "missing") return this.#isGoldenWanted() ? there : undefined;
    const compared = compareGolden(there, output);
    if (compared === "different") return there;
    if (compared === "but line ends")
      this.#notes.push(`${basename(this.#facts.test.golden)} has CRLF at the ends of lines, which were not compared`);
    return undefined;
  }

  /** May the golden be written? Else this says why it is not as it should be. */
  async #takesGolden(there: Golden | "missing" | "unreadable", first: Execution): Promise<boolean> {
    const { test, options, document } = this.#facts;
    const mayWrite = !options.isCI && (there === "missing" || options.isUpdate);
    if (mayWrite && this.#failures.length === 0) return this.#isStable(first);
    if (typeof there !== "string") this.#failures.push(await this.#difference(there, first.output));
    // That the script has failed is enough to say.
    else if (there === "missing" && options.isCI && first.exitCode === (document?.expect?.exit ?? 0)) {
      const how = "it is not made in CI (the variable CI is set); run geppetto-js test on your machine, and commit it";
      const text = `there is no ${basename(test.golden)}: ${how}`;
      this.#failures.push({ what: "golden", text, file: test.script });
    }
    return false;
  }

  /** A golden without the answers that it comes from would be of no use: where these could not be written, nor is it. */
  async #writeGolden(
    there: Golden | "missing" | "unreadable",
    output: string,
  ): Promise<"written" | "updated" | undefined> {
    const { test } = this.#facts;
    if (this.#failures.length > 0) return undefined;
    const before = typeof there === "string" ? undefined : there;
    await this.#write(test.golden, () => writeGolden(test.golden, output, before));
    if (this.#failures.length > 0) return undefined;
    return there === "missing" ? "written" : "updated";
  }

  async #difference(golden: Golden, output: string): Promise<TestFailure> {
    const { test, options } = this.#facts;
    const name = basename(test.golden);
    const [expected, actual] = golden.hasCrlf
      ? [withLineFeeds(golden.text), withLineFeeds(output)]
      : [golden.text, output];
    const { line } = firstDifferentLine(expected, actual);
    const isKept = options.isUpdate && this.#failures.length > 0;
    return {
      what: "stdout",
      text: `stdout differs from ${name} in line ${line}${isKept ? "; it is not taken over from a test that fails" : ""}`,
      diff: await unifiedDiff(expected, actual, { expected: name, actual: "stdout" }),
      file: test.golden,
      line,
    };
  }

  /** Does the script print the same three times? The answers of models are those of the first time. */
  async #isStable(first: Execution): Promise<boolean> {
    let other = await this.#differingRun(first, () => this.#cassette.wraps({ isReplay: true }));
    if (other !== undefined && this.#cassette.isEmbeddedOnly) {
      // What depends on the pace of the demo model is the same without recordings.
      this.#cassette = await this.#openCassette(true, { keepsEmbedded: false });
      other = await this.#differingRun(first, () => this.#cassette.wraps());
    }
    if (other === undefined) return true;
    const { test } = this.#facts;
    const { run, execution } = other;
    const { line, a, b } = firstDifferentLine(first.output, execution.output);
    const where = `in line ${line}: run 1 printed ${shown(a)}, run ${run} ${shown(b)}`;
    const how =
      first.exitCode === execution.exitCode
        ? where
        : `run 1 ended with exit code ${first.exitCode}, run ${run} with ${execution.exitCode}`;
    this.#failures.push({
      what: "golden",
      text: `the script does not do the same each time: ${how}`,
      diff: await unifiedDiff(first.output, execution.output, { expected: "run 1", actual: `run ${run}` }),
      file: test.script,
    });
    return false;
  }

  async #differingRun(
    first: Execution,
    wraps: () => ModelWraps,
  ): Promise<{ run: number; execution: Execution } | undefined> {
    for (let run = 2; run <= RUNS; run++) {
      const execution = await this.#execute(wraps());
      if (execution.output !== first.output || execution.exitCode !== first.exitCode) return { run, execution };
    }
    return undefined;
  }

  async #saveCassette(): Promise<number> {
    const { length } = this.#cassette.recorded;
    const before = this.#failures.length;
    await this.#write(this.#facts.test.cassette, () => this.#cassette.save());
    return this.#failures.length > before ? 0 : length;
  }

  /** What cannot be written fails the test, and leaves the file as it was. */
  async #write(file: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      const text = `Cannot write ${basename(file)}: ${reasonOf(error)}`;
      this.#failures.push({ what: "output", text, file });
    }
  }

  /** @throws {unknown} the signal's reason, where the tests were ended meanwhile. */
  async #execute(wraps: ModelWraps): Promise<Execution> {
    const { test, document, prepared, options, redact } = this.#facts;
    const { signal, slowAfterMs = SLOW_MS, deterministic, onSlow } = options;
    const { script, engine, models, budget } = prepared;
    let slow: NodeJS.Timeout | undefined;
    try {
      const execution = await executeScript({
        script,
        args: document?.args ?? [],
        ...(document?.input === undefined ? {} : { input: document.input }),
        engine,
        setup: [setupDefaults({ ...models, budget: new Budget(budget), ...wraps })],
        deterministic,
        signal,
        onStart: (pending) => {
          slow = setTimeout(() => onSlow?.(test, slowAfterMs, pending()), slowAfterMs);
        },
      });
      signal.throwIfAborted();
      return { ...execution, output: redact(execution.output).toWellFormed() };
    } finally {
      clearTimeout(slow);
    }
  }
}

function redactFailure(failure: TestFailure, redact: (text: string) => string): TestFailure {
  const { text, details, diff } = failure;
  return {
    ...failure,
    text: redact(text),
    ...(details === undefined ? {} : { details: redact(details) }),
    ...(diff === undefined ? {} : { diff: redact(diff.join("\n")).split("\n") }),
  };
}

function shown(line: string | undefined): string {
  if (line === undefined) return "nothing";
  return JSON.stringify(line.length > 100 ? `${line.slice(0, 100).toWellFormed()}…` : line);
}
