import { basename, dirname, resolve } from "node:path";
import { readRegularFile, reasonOf, replaceFile } from "../../files.ts";
import { errorLine, UsageError } from "../options/usage-error.ts";
import type { Terminal } from "../output/terminal.ts";
import type { Repl } from "./repl.ts";

/** Largest file that is loaded, in bytes. */
const MAX_FILE_BYTES = 1_000_000;

const HELP = [
  [".help", "this list"],
  [".load FILE", "run a file as if it were typed; its imports start from its folder"],
  [".save FILE", "write what was typed and has run into a file"],
  [".events [on|off]", "show every event of every step as JSON"],
  [".model [NAME]", "say which model answers, or have another one do so: provider:model"],
  [".exit", "leave, as Ctrl-D does"],
] as const;

/** What begins with a dot and is meant for the program. */
export const DOT_COMMANDS: readonly string[] = HELP.map(([usage]) => usage.split(" ")[0]!);

const USAGE_WIDTH = 18;

/** Is the line meant for the program? No statement begins with a dot and a letter. */
export function isDotCommand(line: string): boolean {
  return /^\s*\.[A-Za-z]/.test(line);
}

/** Does what such a line says. False when it says to leave. */
export async function runDotCommand(line: string, repl: Repl, terminal: Terminal): Promise<boolean> {
  const [, name = "", rest = ""] = /^\s*(\.\w+)\s*(.*?)\s*$/.exec(line) ?? [];
  try {
    switch (name) {
      case ".help":
        terminal.note(HELP.map(([usage, meaning]) => `${usage.padEnd(USAGE_WIDTH)}${meaning}`).join("\n"));
        break;
      case ".exit":
        return false;
      case ".load":
        await load(needed(rest, ".load FILE"), repl);
        break;
      case ".save":
        await save(needed(rest, ".save FILE"), repl, terminal);
        break;
      case ".events":
        if (!/^(on|off|)$/.test(rest))
          throw new UsageError(`Cannot set events to "${rest}": write .events on or .events off`);
        repl.showsEvents = rest === "" ? !repl.showsEvents : rest === "on";
        terminal.note(`events are ${repl.showsEvents ? "shown" : "not shown"}`);
        break;
      case ".model":
        if (rest !== "") await repl.useModel(rest);
        terminal.note(`${repl.model} answers`);
        break;
      default:
        throw new UsageError(`There is no command ${name}; .help shows those that there are`);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    terminal.note(errorLine(error));
  }
  return !repl.isOver;
}

function needed(rest: string, usage: string): string {
  if (rest === "") throw new UsageError(`Cannot go on without a file: write ${usage}`);
  return rest;
}

async function load(file: string, repl: Repl): Promise<void> {
  let code: string | undefined;
  try {
    code = readRegularFile(file, { maxBytes: MAX_FILE_BYTES });
  } catch (error) {
    throw new UsageError(`Cannot load ${file}: ${reasonOf(error)}`);
  }
  if (code === undefined) throw new UsageError(`Cannot load ${file}: there is no such file or folder`);
  await repl.run(code.replace(/^\uFEFF/, ""), { isLast: true, folder: dirname(resolve(file)), name: basename(file) });
}

async function save(file: string, repl: Repl, terminal: Terminal): Promise<void> {
  try {
    await replaceFile(file, repl.saved.map((code) => `${code}\n`).join(""), { isPublic: true });
  } catch (error) {
    throw new UsageError(`Cannot save ${file}: ${reasonOf(error)}`);
  }
  terminal.note(`saved ${file}`);
}
