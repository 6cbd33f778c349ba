const TYPESCRIPT = /\.[cm]?tsx?$/;
/** Also says so of what is exported from here: to tell that apart would take more than one look at each character. */
const IMPORTS = /\bimport\s*[\w$*{"'(/]|\bexport\s*[*{]/;
/** What a CommonJS module has, and a classic script lacks. */
const REQUIRES = /\brequire\s*[(.]|\bmodule\s*\.\s*exports\b|\bexports\s*\.|\bimport\s*\(/;

/** Is this more than V8 runs by itself? May say so of a script that only speaks of importing. */
export function needsBundling({ name, code }: { name: string; code: string }): boolean {
  if (name.endsWith(".cjs")) return REQUIRES.test(code);
  return TYPESCRIPT.test(name) || name.endsWith(".jsx") || IMPORTS.test(code);
}
