/** Where something is in the code; both count from 1. */
export interface CodePlace {
  line: number;
  column: number;
}

/** Why the code has failed, for a model to mend it by. */
export interface CodeError extends Partial<CodePlace> {
  name: string;
  message: string;
  code?: string;
  /** The lines around the place, with a mark below it. */
  frame?: string;
  /** What to write instead, in one line. */
  hint?: string;
}

/** Something in the code that does not fit the types. */
export interface CodeProblem extends CodePlace {
  message: string;
  hint?: string;
}

/** What a run has used. */
export interface CodeUsage {
  /** Requests to models, embedded ones included. */
  calls: number;
  tokens: number;
  /** US dollars. */
  cost: number;
  /** Calls of functions in `tools`. */
  toolCalls: number;
  durationMs: number;
}

/** What has become of a model's code. All of it is JSON. */
export interface CodeResult {
  ok: boolean;
  /** What the code has come to, where that is JSON and not too long. */
  value?: unknown;
  /** Otherwise: its text, or the beginning of that. */
  text?: string;
  /** What it has printed. */
  console?: string;
  error?: CodeError;
  /** What does not fit the types: then nothing of the code has run. */
  problems?: CodeProblem[];
  /** What a model should know beside that: something was cut, a session has begun anew. */
  notes?: string[];
  usage: CodeUsage;
}

/** The result as a text for a model that takes no data. */
export function resultText(result: CodeResult): string {
  const { ok, value, text, console, error, problems = [], notes = [] } = result;
  const parts: string[] = [];
  if (console !== undefined) parts.push(`Output:\n${console.trimEnd()}`);
  if (text !== undefined) parts.push(`Value: ${text}`);
  else if (value !== undefined) parts.push(`Value: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  else if (ok && console === undefined) parts.push("The code has come to no value and has printed nothing");
  if (error !== undefined) parts.push(errorText(error, problems));
  parts.push(...notes.map((note) => `Note: ${note}`));
  return parts.join("\n");
}

function errorText({ name, message, code, frame, hint }: CodeError, problems: readonly CodeProblem[]): string {
  const title = code === undefined ? name : `${name} [${code}]`;
  const lines = [`${title}: ${message}`];
  if (frame !== undefined) lines.push(frame);
  for (const problem of problems) {
    lines.push(`line ${problem.line}:${problem.column}: ${problem.message}`);
    if (problem.hint !== undefined) lines.push(`  hint: ${problem.hint}`);
  }
  if (hint !== undefined) lines.push(`Hint: ${hint}`);
  return lines.join("\n");
}
