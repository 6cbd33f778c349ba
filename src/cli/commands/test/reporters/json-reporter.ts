import type { TestResult, TestSummary } from "../../../../golden-tests.ts";
import { shortPath } from "../../../output/short-path.ts";
import { toJson } from "../../../output/to-json.ts";
import { nameOf, obsoleteLines } from "./report-text.ts";
import type { ReportEnd, Reporter, ReportOutput } from "./reporter.ts";

/** One JSON document, when all is over. */
export class JsonReporter implements Reporter {
  readonly #output: ReportOutput;

  constructor(output: ReportOutput) {
    this.#output = output;
  }

  onResult(): void {}

  onEnd(summary: TestSummary, { isOk }: ReportEnd): void {
    const { results, passed, failed, skipped, written, updated, obsolete, recorded, isRemoved, durationMs } = summary;
    const document = {
      ok: isOk,
      passed,
      failed,
      skipped,
      written,
      updated,
      obsolete,
      recorded,
      durationMs,
      tests: results.map(toDocument),
      obsoleteFiles: obsoleteLines(summary),
      removed: isRemoved,
    };
    this.#output.write(`${toJson(document)}\n`);
  }
}

function toDocument(result: TestResult): object {
  const { status, durationMs, golden, recorded, unused, notes, failures } = result;
  return {
    name: nameOf(result),
    status,
    durationMs,
    ...(golden === undefined ? {} : { golden }),
    recorded,
    unused,
    notes,
    failures: failures.map(({ file, diff, ...failure }) => ({
      ...failure,
      file: shortPath(file),
      ...(diff === undefined ? {} : { diff: diff.join("\n") }),
    })),
  };
}
