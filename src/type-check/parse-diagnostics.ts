import { resolve } from "node:path";

/** What the compiler says of one place, or of none. */
export interface Diagnostic {
  /** Its whole path. */
  file?: string;
  line?: number;
  column?: number;
  severity: "error" | "warning";
  /** "TS2345". */
  code: string;
  /** Without the compiler's further explanations, which follow as `details`. */
  message: string;
  details: string[];
}

const LINE = /^(?:(.+)\((\d{1,9}),(\d{1,9})\): )?(error|warning) (TS\d{1,6}): (.*)$/;

/** Reads what the compiler prints with `--pretty false`; its paths start from `cwd`. */
export function parseDiagnostics(text: string, cwd: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [, file, row, column, severity, code, message] = LINE.exec(line) ?? [];
    if (code !== undefined && message !== undefined) {
      found.push({
        ...(file === undefined ? {} : { file: resolve(cwd, file), line: Number(row), column: Number(column) }),
        severity: severity as "error" | "warning",
        code,
        message,
        details: [],
      });
    } else if (line.startsWith("  ")) found.at(-1)?.details.push(line.trim());
  }
  return found;
}
