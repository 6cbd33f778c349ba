import type { Loader } from "esbuild";

/**
 * The bundler looks around for files where it meets an import whose name is put together. These tell where it might, by
 * each word alone, whatever stands around it: so no text can hide one, be it ever so cunning.
 */
const QUOTED = (group: number): string => `(["'])[^"'\\\\\\n]*\\${group}`;
/** A pattern begins with a text: in a script, what a variable holds is not known to the bundler. */
const VARIABLE = String.raw`[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*`;
const alone = (name: string): string => String.raw`\(\s*(?:${name})\s*[),]`;
const importOf = (name: string): string => String.raw`\bimport\s*(?:(?!${alone(name)})\(|\/[/*]|[?)\\]|\.(?!meta\b))`;
const NAME_IN_SCRIPT = `${QUOTED(1)}|${VARIABLE}`;
const REQUIRE = String.raw`\brequire\s*(?:(?!${alone(`${QUOTED(2)}|${VARIABLE}`)})\(|\/[/*]|[?)[\\]|\.(?!(?:resolve\s*${alone(QUOTED(3))}|(?!resolve)\w)))`;
/** A word may be written with the codes of its letters. */
const ESCAPED = String.raw`\\u(?:00|\{0*)(?:6[59dDfF]|7[01245])`;

const IN_SCRIPT = new RegExp(`${importOf(NAME_IN_SCRIPT)}|${REQUIRE}|${ESCAPED}`);
/** There a word of types may stand between the function and its arguments, and members of enums are put in for their names. */
const IN_TYPESCRIPT = new RegExp(String.raw`${importOf(QUOTED(1))}|\brequire\b(?!\s*${alone(QUOTED(2))})|${ESCAPED}`);

export function mayFindFiles(text: string, loader: Loader): boolean {
  return (isTypeScript(loader) ? IN_TYPESCRIPT : IN_SCRIPT).test(text);
}

export function isTypeScript(loader: Loader): boolean {
  return loader === "ts" || loader === "tsx";
}
