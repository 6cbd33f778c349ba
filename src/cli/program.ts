import { useSpares, type SpareChildren } from "../files.ts";

/**
 * Runs the command line: everything but finding out whether this Node can run it.
 *
 * @param spares the guest's process, on its way already
 */
export async function runProgram(args: readonly string[], spares?: SpareChildren): Promise<void> {
  if (spares !== undefined) useSpares(spares);
  const { runCommandLine } = await import("./command-line.ts");
  await runCommandLine(args);
}
