import type { Script } from "../index.ts";
import { ScriptSession, type ScriptOptions } from "./script-session.ts";

/** `geppetto-js eval <code>`: an expression if it parses as one, else statements, else statements that await. */
export async function evalCommand(code: string, options: ScriptOptions): Promise<void> {
  const name = "eval.cjs";
  const candidates: Script[] = [
    { name, code: `(async () => (\n${code}\n))()`, lineOffset: 1 },
    { name, code },
    { name, code: `(async () => {\n${code}\n})()`, lineOffset: 1 },
  ];
  await new ScriptSession(options).run(candidates, code, []);
}
