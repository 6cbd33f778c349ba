import { OTHER } from "./conventions.ts";

const CODE = /^ERR_[A-Z][A-Z0-9_]{0,60}$/;
const NAME = /^[A-Z][A-Za-z]{0,60}$/;

/** What an error is called in `error.type`: its code, else its name. Scripts choose some of them: only words are told. */
export function errorType(error: unknown): string {
  const { code, name } = (typeof error === "object" && error !== null ? error : {}) as {
    code?: unknown;
    name?: unknown;
  };
  if (typeof code === "string" && CODE.test(code)) return code;
  if (name === "AbortError") return "ERR_ABORTED";
  return typeof name === "string" && NAME.test(name) ? name : OTHER;
}
