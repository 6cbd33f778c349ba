import { RE2JS } from "re2js";

/** What a pattern of a JSON schema can do. */
export interface Pattern {
  test(text: string): boolean;
}

/** White space as JavaScript knows it, for an engine that knows ASCII only. */
const SPACE = "\\t\\n\\v\\f\\r \\x{00a0}\\x{feff}\\p{Z}";
const CACHE_SIZE = 200;
const cache = new Map<string, Pattern>();

/**
 * A pattern that is matched in time that is linear in the text, whatever it says. What only a backtracking engine knows
 * (looking around, back references, more than 1,000 repetitions) is left to JavaScript's own: whoever uses it bounds the
 * time.
 *
 * @throws {SyntaxError} for what is not a regular expression.
 */
export function compilePattern(source: string): Pattern {
  const known = cache.get(source);
  if (known !== undefined) return known;
  const native = nativePattern(source);
  const pattern = linearPattern(source) ?? native;
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(source, pattern);
  return pattern;
}

/** The modern kind where the pattern keeps to it; many keep to the older only, such as `[\w-.]`. */
function nativePattern(source: string): RegExp {
  try {
    return new NativeRegExp(source, "u");
  } catch {
    return new NativeRegExp(source);
  }
}

function linearPattern(source: string): Pattern | undefined {
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(withSpaces(source)));
    return { test: (text) => compiled.matcher(text).find() };
  } catch {
    return undefined;
  }
}

/** The pattern with `\s` and `\S` spelt out; throws where a class cannot say it. */
function withSpaces(source: string): string {
  let inClass = false;
  return source.replace(/\\[^]|[[\]]/g, (part) => {
    if (part === "[") inClass = true;
    else if (part === "]") inClass = false;
    else if (part === "\\s") return inClass ? SPACE : `[${SPACE}]`;
    else if (part === "\\S" && inClass) throw new Error("a class cannot hold what another leaves out");
    else if (part === "\\S") return `[^${SPACE}]`;
    return part;
  });
}

const NativeRegExp = RegExp;

/** Lets every `new RegExp(pattern, "u")` of this process make a linear one: the validator gives no other way. */
export function installLinearPatterns(): void {
  globalThis.RegExp = new Proxy(NativeRegExp, {
    construct(target, [pattern, flags]: [unknown, string?]) {
      if (typeof pattern === "string" && flags === "u") return compilePattern(pattern);
      return new target(pattern as string, flags);
    },
  });
}
