/** Names of imports get a sign or two in front that no module has, so that each is one of its own. */
export const FIRST_SIGN = 0xe0_00;
export const SIGNS = 0x19_00;

export const ANY_SIGN: RegExp = /[\uE000-\uF8FF]/;

/** The sign of the copy with this number, from 0 up to the square of {@link SIGNS}. */
export function signOf(index: number): string {
  const [high, low] = [Math.floor(index / SIGNS), index % SIGNS];
  return String.fromCharCode(...(high === 0 ? [FIRST_SIGN + low] : [FIRST_SIGN + high, FIRST_SIGN + low]));
}
