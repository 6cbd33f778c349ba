/** What the name of a header, and a method, may be. */
export const TOKEN: RegExp = /^[!#$%&'*+.^_`|~\w-]+$/;
/** Bytes that a header's value may hold: neither a line break nor NUL, nor anything above U+00FF. */
export const HEADER_VALUE: RegExp = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What is wrong with headers that HTTP cannot have. */
export function headersProblem(headers: Readonly<Record<string, string>>): string | undefined {
  const unfit = Object.entries(headers).find(([name, value]) => !TOKEN.test(name) || !HEADER_VALUE.test(value));
  return unfit && `HTTP cannot have the header ${JSON.stringify(unfit[0].slice(0, 100))}, or its value`;
}
