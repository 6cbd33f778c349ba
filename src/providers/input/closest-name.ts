/** Longer names are not taken for slips. */
const MAX_LENGTH = 64;
/** Shorter ones are not the beginning of anything. */
const MIN_BEGINNING = 3;

/**
 * The name that `given` was most likely meant to be: at most a third of its letters differ, or it is the beginning of that
 * name alone. Undefined when none is close.
 *
 * @example
 * closestName("antropic", ["openai", "anthropic"]); // "anthropic"
 */
export function closestName(given: string, names: readonly string[]): string | undefined {
  if (given.length > MAX_LENGTH) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(given.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(given.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best ?? onlyBeginning(given.toLowerCase(), names);
}

/** The one name that begins like this, as in "params". */
function onlyBeginning(given: string, names: readonly string[]): string | undefined {
  if (given.length < MIN_BEGINNING) return undefined;
  const fitting = names.filter((name) => {
    const whole = name.toLowerCase();
    return whole.startsWith(given) || (given.endsWith("s") && whole.startsWith(given.slice(0, -1)));
  });
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** Letters to change, add, leave out, or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, substitution));
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    [before, previous] = [previous, row];
  }
  return previous[b.length]!;
}
