/** Does the variable CI say that nobody is there to look at what is written? */
export function isCI(env: Readonly<Record<string, string | undefined>>): boolean {
  const { CI } = env;
  return CI !== undefined && CI !== "" && !/^(0|false|no)$/i.test(CI);
}
