import { OPS, type ResultCopy } from "../../shared/contract/ops.ts";
import { parseErrorRecord, parseExitCode, parseFields, parseResult } from "../guest-messages.ts";
import type { RealmSession } from "../realm-session.ts";
import type { ScriptError } from "./script-run.ts";

/** What hears of a script's end. */
interface ScriptOwner {
  done(result: ResultCopy): void;
  setExitCode(code: number | undefined): void;
  keepError(runId: string, error: ScriptError): void;
  lookAtError(runId: string): void;
}

/**
 * The ops by which a script says how it ends, and which errors of its runs it has looked at.
 *
 * @param owner whose code runs now
 * @param exit ends the guest at once, and the script with it where it is the script's wish
 */
export function registerScriptOps(
  session: RealmSession,
  owner: () => ScriptOwner,
  exit: (code: number, isOfScript: boolean) => void,
): void {
  const { ops } = session;
  ops.set(OPS.script_done, (args) => owner().done(parseResult(args)));
  // Codes 0 to 63 are the script's own; the rest is for what the host has to say.
  // While nothing is accepted it is not the script that runs: code from before it, or what was left of its turn.
  ops.set(OPS.script_exit, (args) => exit(parseExitCode(args) ?? 1, ops.accepting));
  ops.set(OPS.script_exit_code, (args) => owner().setExitCode(parseExitCode(args)));
  ops.set(OPS.error_keep, (args) => {
    const { id, error } = parseFields(args);
    owner().keepError(String(id), session.identify(parseErrorRecord(error)));
  });
  ops.set(OPS.error_look, (args) => owner().lookAtError(String(parseFields(args).id)));
}
