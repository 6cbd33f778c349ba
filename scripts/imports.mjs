// Finds what a source file imports, without a parser: comments, texts and regular expressions are blanked out first.

const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|void|delete|throw|await|yield))\s*$/;

/**
 * The same text, same length, with comments, string contents and regular expressions blanked; `texts` holds what stood
 * in each string, by the offset of its opening quote.
 *
 * @param {string} source
 * @returns {{code: string, texts: Map<number, string>}}
 */
export function blank(source) {
  const texts = new Map();
  const out = source.split("");
  const wipe = (from, to) => {
    for (let k = from; k < to; k++) if (out[k] !== "\n") out[k] = " ";
  };
  /** Braces that are open inside each template literal that is open around this place. */
  const templates = [];
  let i = 0;
  const template = () => {
    const start = i;
    while (i < source.length && source[i] !== "`" && !source.startsWith("${", i)) i += source[i] === "\\" ? 2 : 1;
    wipe(start, i);
    if (source[i] === "$") {
      templates.push(0);
      i += 2;
    } else i++;
  };
  while (i < source.length) {
    const char = source[i];
    if (source.startsWith("//", i) || source.startsWith("/*", i)) {
      const end = source[i + 1] === "/" ? source.indexOf("\n", i) : source.indexOf("*/", i) + 2;
      const stop = end < i + 2 ? source.length : end;
      wipe(i, stop);
      i = stop;
    } else if (char === '"' || char === "'") {
      const start = i++;
      while (i < source.length && source[i] !== char && source[i] !== "\n") i += source[i] === "\\" ? 2 : 1;
      texts.set(start, source.slice(start + 1, i));
      wipe(start + 1, i++);
    } else if (char === "`") {
      const start = i++;
      template();
      if (source[i - 1] === "`") texts.set(start, source.slice(start + 1, i - 1));
    } else if (char === "/" && BEFORE_REGEX.test(out.slice(Math.max(0, i - 40), i).join(""))) {
      const start = i++;
      for (let inClass = false; i < source.length && source[i] !== "\n" && (inClass || source[i] !== "/"); i++) {
        if (source[i] === "\\") i++;
        else if (source[i] === "[") inClass = true;
        else if (source[i] === "]") inClass = false;
      }
      wipe(start + 1, i++);
    } else {
      i++;
      if (templates.length > 0 && char === "{") templates[templates.length - 1]++;
      if (templates.length > 0 && char === "}" && templates[templates.length - 1]-- === 0) {
        templates.pop();
        template();
      }
    }
  }
  return { code: out.join(""), texts };
}

/**
 * Every import of a file: `import`, `export … from`, `import()`, `import("…")` in types, `require()`. `specifier` is
 * undefined where it is computed.
 *
 * @param {string} source
 * @returns {{specifier: string | undefined, line: number}[]}
 */
export function findImports(source) {
  const { code, texts } = blank(source);
  const found = [];
  const add = (match) => {
    const quote = match.index + match[0].length - 1;
    found.push({ specifier: texts.get(quote), line: lineAt(source, match.index) });
  };
  for (const match of code.matchAll(/(?<![.\w$#])(?:import|export)\b[^;"'`()]*?\bfrom\s*["']/g)) add(match);
  for (const match of code.matchAll(/(?<![.\w$#])import\s*["']/g)) add(match);
  for (const match of code.matchAll(/(?<![.\w$#])(?:import|require)\s*\(\s*\S/g)) add(match);
  return found.sort((a, b) => a.line - b.line);
}

/** The number of the line, from 1, on which this offset lies. */
export function lineAt(source, offset) {
  return source.slice(0, offset).split("\n").length;
}
