/** Shorter types are written out each time, in characters. */
const MIN_CHARS = 40;
/** Most types that get a name. */
const MAX_TYPES = 100;

/** Signatures, and the types that they share under names of their own. */
export interface SharedTypes {
  /** "type Type1 = { id: number };" */
  types: string[];
  /** In the order in which they were given. */
  signatures: string[];
}

/**
 * Types of objects that stand in several signatures, or several times in one, are said once. What models are told is so
 * much shorter, since functions about one thing give the same.
 */
export function shareTypes(given: readonly string[]): SharedTypes {
  const counts = new Map<string, number>();
  for (const signature of given)
    for (const type of objectTypes(signature)) counts.set(type, (counts.get(type) ?? 0) + 1);
  const shared = [...counts]
    .filter(([type, count]) => count > 1 && type.length >= MIN_CHARS)
    .map(([type]) => type)
    // What holds others gets its name first: then these are found in what it stands for.
    .toSorted((a, b) => b.length - a.length)
    .slice(0, MAX_TYPES);
  const names = new Map(shared.map((type, at) => [type, `Type${at + 1}`]));
  const shorten = (text: string, own?: string): string => {
    let short = text;
    for (const [type, name] of names)
      if (type !== own) short = short.replaceAll(type, name).replaceAll(`(${name})[]`, `${name}[]`);
    return short;
  };
  const signatures = given.map((signature) => shorten(signature));
  const types = [...names].map(([type, name]) => `type ${name} = ${shorten(type, type)};`);
  return { types, signatures };
}

/** All that stands in curly brackets, the outer and the inner ones; brackets within quotes do not count. */
function objectTypes(signature: string): string[] {
  const found: string[] = [];
  const open: number[] = [];
  for (let at = 0; at < signature.length; at++) {
    const letter = signature[at];
    if (letter === '"') at = endOfText(signature, at);
    else if (letter === "{") open.push(at);
    else if (letter === "}") found.push(signature.slice(open.pop() ?? at, at + 1));
  }
  return found;
}

function endOfText(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
