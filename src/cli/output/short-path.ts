import { isAbsolute, relative, resolve, sep } from "node:path";
import { userHome } from "../../files.ts";

/** A path as people write it: from the working directory where it lies below that, from `~` below their home. */
export function shortPath(path: string): string {
  const whole = resolve(path);
  const here = relative(process.cwd(), whole);
  if (here !== "" && here !== ".." && !here.startsWith(`..${sep}`) && !isAbsolute(here)) return here;
  const home = userHome();
  return whole.startsWith(home + sep) ? `~${whole.slice(home.length)}` : whole;
}
