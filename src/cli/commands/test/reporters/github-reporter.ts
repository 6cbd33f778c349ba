import { randomUUID } from "node:crypto";
import type { TestFailure, TestResult } from "../../../../golden-tests.ts";
import { shortPath } from "../../../output/short-path.ts";
import { DefaultReporter } from "./default-reporter.ts";

/** What GitHub's runner looks for: the one after spaces, the other anywhere in a line. */
const COMMAND = /::|##\[/;

/** The default report, and an annotation for whatever failed, which GitHub shows at its place. */
export class GithubReporter extends DefaultReporter {
  override onResult(result: TestResult): void {
    super.onResult(result);
    for (const failure of result.failures) this.output.write(`${annotation(result, failure)}\n`);
  }

  /** A line may hold what a script or a model has written: the runner does not obey it. */
  protected override print(line: string): void {
    const token = randomUUID();
    super.print(COMMAND.test(line) ? `::stop-commands::${token}\n${line}\n::${token}::` : line);
  }
}

function annotation({ test }: TestResult, { text, details, diff = [], file, line }: TestFailure): string {
  const place = [`file=${property(shortPath(file))}`, ...(line === undefined ? [] : [`line=${line}`])];
  const title = property(`${shortPath(test.script)} failed`);
  const message = [text, ...(details === undefined ? [] : [details]), ...diff].join("\n");
  return `::error ${[...place, `title=${title}`].join(",")}::${escaped(message)}`;
}

/** What stands for itself in the text of a command. */
function escaped(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return escaped(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
