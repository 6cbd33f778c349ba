import type { Terminal } from "../../output/terminal.ts";
import { DefaultReporter } from "./reporters/default-reporter.ts";
import { DotReporter } from "./reporters/dot-reporter.ts";
import { GithubReporter } from "./reporters/github-reporter.ts";
import { JsonReporter } from "./reporters/json-reporter.ts";
import { JunitReporter } from "./reporters/junit-reporter.ts";
import type { Reporter } from "./reporters/reporter.ts";
import { TapReporter } from "./reporters/tap-reporter.ts";

/** The reporter of this name, which writes to stdout. */
export function createReporter(kind: string, terminal: Terminal): Reporter {
  const output = { write: (text: string) => terminal.write("stdout", text), colors: terminal.colors.stdout };
  switch (kind) {
    case "dot":
      return new DotReporter(output);
    case "json":
      return new JsonReporter(output);
    case "junit":
      return new JunitReporter(output);
    case "tap":
      return new TapReporter(output);
    case "github":
      return new GithubReporter(output);
    default:
      return new DefaultReporter(output);
  }
}
