import type { ErrorRecord } from "../../shared/frames.ts";

/** The text of a module that throws, whenever it is asked for: what asks for it may do without it. */
export function refusedModule({ name, message, code }: ErrorRecord): string {
  const fields = { name: { value: name }, code: { value: code }, isTransient: { value: false } };
  return `const failure = Object.defineProperties(new Error(${JSON.stringify(message)}), ${JSON.stringify(fields)});
Object.defineProperty(failure, "includes", { value: (text) => failure.message.includes(text) });
module.exports = undefined;
throw failure;
`;
}

/** What is said of a module whose name is put together when the script runs. */
const RULE = 'import() takes a name that is written out, such as import("./part.mjs"), and so does require()';

/** The bundler's own words for names that it did not see, with what is to be said instead. */
const HELPERS: readonly [words: string, instead: string][] = [
  [
    `throw Error('Dynamic require of "' + x + '" is not supported');`,
    `throw Error('Cannot import "' + x + '": ${RULE}');`,
  ],
  [`throw new Error("Module not found in bundle: " + path);`, `throw Error('Cannot import "' + path + '": ${RULE}');`],
];

/** An import by a pattern that fits nothing is a promise that is rejected, as of any import. */
const PATTERN_IMPORT = /^var (globImport\w*) = __glob\(\{\}\);$/gm;

/** Puts the rule into the bundler's helpers. No line is added, so that the mappings stay right. */
export function withRuleForNames(code: string): string {
  let text = code;
  for (const [words, instead] of HELPERS) text = text.replace(words, () => instead);
  return text.replace(PATTERN_IMPORT, "var $1 = async (path) => __glob({})(path);");
}
