import { OPS } from "../../shared/contract/ops.ts";
import { parseErrorRecord, parseExitCode, parseFields, parseResult } from "../guest-messages.ts";
import type { RealmSession } from "../realm-session.ts";
import type { ScriptRunner } from "./script-runner.ts";

/**
 * The ops by which a script says how it ends, and which errors of its runs it has looked at.
 *
 * @param exit ends the guest at once, and the script with it where it is the script's wish
 */
export function registerScriptOps(
  session: RealmSession,
  runner: ScriptRunner,
  exit: (code: number, isOfScript: boolean) => void,
): void {
  const { ops } = session;
  ops.set(OPS.script_done, (args) => runner.done(parseResult(args)));
  // Codes 0 to 63 are the script's own; the rest is for what the host has to say.
  // While nothing is accepted it is not the script that runs: code from before it, or what was left of its turn.
  ops.set(OPS.script_exit, (args) => exit(parseExitCode(args) ?? 1, ops.accepting));
  ops.set(OPS.script_exit_code, (args) => runner.setExitCode(parseExitCode(args)));
  ops.set(OPS.error_keep, (args) => {
    const { id, error } = parseFields(args);
    runner.keepError(String(id), session.identify(parseErrorRecord(error)));
  });
  ops.set(OPS.error_look, (args) => runner.lookAtError(String(parseFields(args).id)));
}
