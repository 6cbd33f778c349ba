import type { Terminal } from "../output/terminal.ts";
import { isDotCommand, runDotCommand } from "./dot-commands.ts";
import { inputLines } from "./input-lines.ts";
import type { Repl } from "./repl.ts";

/** Runs each statement as soon as it is complete, line by line, and goes on after errors. */
export async function pipedRepl(input: AsyncIterable<Buffer>, repl: Repl, terminal: Terminal): Promise<void> {
  let code = "";
  for await (const line of inputLines(input)) {
    if (code === "" && line.trim() === "") continue;
    if (code === "" && isDotCommand(line)) {
      if (!(await runDotCommand(line, repl, terminal))) return;
      continue;
    }
    code += code === "" ? line : `\n${line}`;
    if (await repl.run(code, { isLast: false })) code = "";
    if (repl.isOver) return;
  }
  if (code !== "") await repl.run(code, { isLast: true });
}
