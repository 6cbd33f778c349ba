import type { Loader } from "esbuild";

/** What only an ES module has, and what only a CommonJS module has; a file may have neither. */
const HAS_IMPORTS =
  /(?:^|[;}])[ \t]*(?:import\s*[\w$*{"']|export\s*(?:[*{]|(?:default|const|let|var|function|class|async|enum|type|interface)\b))/m;
const HAS_EXPORTS = /\bmodule\.exports\b|\bexports\.[\w$]+\s*=|^[ \t]*export\s*=/m;

/** Is this an ES module, as its text tells? */
export function isPlainlyModule(text: string): boolean {
  return HAS_IMPORTS.test(text) && !HAS_EXPORTS.test(text);
}

/** Does this use globals of Node's that it does not make itself? */
export function usesGlobalsOfNode(text: string): boolean {
  if (/(?<![.\w$])process\s*\.\s*nextTick\b/.test(text)) return true;
  if (!/(?<![.\w$])Buffer\s*\./.test(text)) return false;
  return !/\b(?:var|let|const|class|function)\s+Buffer\b|[{,]\s*Buffer\s*[},:]/.test(text);
}

/** What the bundler is given for a module of this text. */
export function toModule(text: string, loader: Loader): { contents: string; loader: Loader } {
  return { contents: loader === "json" ? text : withoutSourceMap(text), loader };
}

/** The text without its own source map, which the bundler would read by itself, from anywhere: the last one counts. */
function withoutSourceMap(text: string): string {
  return text.includes("sourceMappingURL") ? `${text}\n//# sourceMappingURL=data:application/json,{}` : text;
}
