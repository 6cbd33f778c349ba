import { OPS } from "../../../../src/shared/contract/ops.ts";
import { defineHidden, SafeError } from "../../../../src/shared/primordials.ts";
import { machineMs } from "../../time/current-time.ts";
import { callSync, onReset } from "../kernel.ts";

/** Rounds of loops between two looks at the time, less one: a power of two, less one. */
const ROUNDS = 63;
/** How long loops go on before the host is asked again, in milliseconds. */
const PAUSE_MS = 50;

let rounds = 0;
let askedAt = 0;
let isInterrupted = false;

/** Each round of a loop of a session's code calls this. What it throws goes on being thrown until the turn is over. */
function tick(): void {
  rounds = (rounds + 1) & ROUNDS;
  if (rounds === 0 || isInterrupted) look();
}

function look(): void {
  if (!isInterrupted) {
    const now = machineMs();
    if (now - askedAt < PAUSE_MS && now >= askedAt) return;
    askedAt = now;
    isInterrupted = !callSync(OPS.session_goes_on, {});
  }
  if (isInterrupted) throw new SafeError("The code was interrupted");
}

/** Lets the host interrupt loops. */
export function installTick(): void {
  defineHidden(globalThis, "geppettoTick", tick);
  onReset(() => {
    isInterrupted = false;
  });
}
