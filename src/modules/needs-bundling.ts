const TYPESCRIPT = /\.[cm]?tsx?$/;
/** Also says so of what is exported from here: to tell that apart would take more than one look at each character. */
const IMPORTS = /\bimport\s*[\w$*{"'(/]|\bexport\s*[*{]/;

/** Is this more than V8 runs by itself? May say so of a script that only speaks of importing. */
export function needsBundling({ name, code }: { name: string; code: string }): boolean {
  return TYPESCRIPT.test(name) || name.endsWith(".jsx") || IMPORTS.test(code);
}
