import { append, MathFloor, MathMax, MathMin, StringSlice, StringToLowerCase } from "./primordials.ts";

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
  const wanted = StringToLowerCase(given);
  const most = MathMax(1, MathFloor(given.length / 3));
  let best: string | undefined;
  let bestDistance = most + 1;
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    if (name.length > given.length + most || name.length < given.length - most) continue;
    const distance = editDistance(wanted, StringToLowerCase(name));
    // Of two names that differ in their case alone the one that is written like the given one is meant.
    const isLike = best !== undefined && distance === bestDistance && name[0] === given[0] && best[0] !== given[0];
    if (distance < bestDistance || isLike) {
      best = name;
      bestDistance = distance;
    }
  }
  return best ?? onlyBeginning(wanted, names);
}

/** The one name that begins like this, as in "params". */
function onlyBeginning(wanted: string, names: readonly string[]): string | undefined {
  if (wanted.length < MIN_BEGINNING) return undefined;
  const singular = StringSlice(wanted, -1) === "s" ? StringSlice(wanted, 0, -1) : wanted;
  let found: string | undefined;
  for (let i = 0; i < names.length; i++) {
    const whole = StringToLowerCase(names[i]!);
    if (StringSlice(whole, 0, wanted.length) !== wanted && StringSlice(whole, 0, singular.length) !== singular)
      continue;
    if (found !== undefined) return undefined;
    found = names[i];
  }
  return found;
}

/** Letters to change, add, leave out, or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous: number[] = [];
  for (let j = 0; j <= b.length; j++) append(previous, j);
  for (let i = 1; i <= a.length; i++) {
    const row: number[] = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = MathMin(previous[j]! + 1, row[j - 1]! + 1, substitution);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) distance = MathMin(distance, before[j - 2]! + 1);
      append(row, distance);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}
