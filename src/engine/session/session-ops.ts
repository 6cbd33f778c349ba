import { OPS } from "../../shared/contract/ops.ts";
import { parseErrorRecord, parseFields, parseResult } from "../guest-messages.ts";
import type { RealmSession } from "../realm-session.ts";
import type { Session } from "./session.ts";

/**
 * The ops by which a session's code says what it has come to, and asks whether it may go on.
 *
 * @param session the one that is open
 */
export function registerSessionOps({ ops }: RealmSession, session: () => Session | undefined): void {
  ops.set(OPS.session_goes_on, () => ops.accepting && session()?.mayGoOn !== false);
  ops.set(OPS.session_settle, (args) => {
    const { id, error } = parseFields(args);
    const settled = error === undefined ? parseResult(args) : { error: parseErrorRecord(error) };
    session()?.settle(id as number, settled);
  });
}
