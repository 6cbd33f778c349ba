/** The defaults, and over them what is given. Undefined stands for what is not given, as it does in a parameter. */
export function withDefaults<T extends object>(defaults: T, given: Partial<T>): T {
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(said) };
}
