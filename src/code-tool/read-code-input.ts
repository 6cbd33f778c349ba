import type { CodeError } from "./code-result.ts";

/** Longest input, as JSON, in characters. */
const MAX_INPUT_CHARS = 4_000_000;

/** What a model has given, as far as it can be used. */
export interface ReadInput {
  code: string;
  /** What `input()` gives. */
  input: string | undefined;
  restart: boolean;
}

/** Reads what a model gives; what is wrong with it is for the model to mend. */
export function readCodeInput(given: unknown): ReadInput | { flaw: CodeError } {
  const { code, input, restart } = (typeof given === "object" && given !== null ? given : {}) as Record<
    string,
    unknown
  >;
  if (typeof code !== "string") return flaw("code must be a text");
  let text: string | undefined;
  try {
    text = input === undefined || typeof input === "string" ? input : JSON.stringify(input);
  } catch {
    return flaw("input must be JSON");
  }
  if ((text?.length ?? 0) > MAX_INPUT_CHARS) return flaw(`input has more than ${MAX_INPUT_CHARS} characters`);
  return { code: withoutFence(code), input: text, restart: restart === true };
}

/** Models like to put code between marks of Markdown. */
function withoutFence(code: string): string {
  const [, inside] = /^\s*```[\w-]*[ \t]*\r?\n([\s\S]*?)\r?\n?```\s*$/.exec(code) ?? [];
  return inside ?? code;
}

function flaw(reason: string): { flaw: CodeError } {
  return { flaw: { name: "ValidationError", message: `Cannot run the code: ${reason}`, code: "ERR_VALIDATION" } };
}
