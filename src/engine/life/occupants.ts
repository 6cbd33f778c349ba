import type { Logger } from "../../base/logger.ts";
import { toErrorRecord, type GeppettoError } from "../../shared/errors.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import { realmError } from "../engine-errors.ts";
import type { EngineLimits } from "../limits.ts";
import type { LossKind } from "../realm-session.ts";
import { abortedError, type ScriptError } from "../script/script-run.ts";
import type { ScriptRunner } from "../script/script-runner.ts";
import type { Session } from "../session/session.ts";
import type { Started } from "../setup/vm-host.ts";

/** What the host hears where no code of anybody's runs. */
export interface GuestReports {
  readonly limits: EngineLimits;
  readonly logger: Logger;
  onGuestError(error: ScriptError): void;
}

/**
 * Whose code runs in the guest, and so who hears of what becomes of it: the session that is open, else the script that
 * runs, else the host.
 */
export class Occupants {
  /** From the engine's start on. */
  started: Started | undefined;
  /** The one that is open. */
  session: Session | undefined;
  readonly #host: GuestReports;

  constructor(host: GuestReports) {
    this.#host = host;
  }

  /** A script runs. */
  get runsScript(): boolean {
    return this.started?.runner.busy === true;
  }

  /** Longest time that the next turn may take, in milliseconds. */
  get turnTimeoutMs(): number | undefined {
    return (this.session ?? this.started?.runner)?.turnTimeoutMs;
  }

  /** Who hears what the code itself says of its end. */
  owner({ runner }: Started): Session | ScriptRunner {
    return this.session ?? runner;
  }

  /** An error that nobody in the guest caught ends the script that is running; without one the host hears of it. */
  uncaught(error: ErrorRecord): void {
    const identified = this.started?.loop.identify(error) ?? { ...error, fromHost: false };
    if (this.session !== undefined) this.session.uncaught(identified);
    else if (this.started?.runner.uncaught(identified) !== true) this.#host.onGuestError(identified);
  }

  /** The same, of an error of which only a copy is known. */
  async thrown(copy: ErrorRecord): Promise<void> {
    if (this.session !== undefined) return this.session.thrown(copy);
    if (this.started?.runner.thrown(copy) === true) return;
    this.uncaught((await this.started?.loop.recall(copy)) ?? copy);
  }

  exceeded(error: GeppettoError): void {
    if (this.session !== undefined) this.session.exceeded(error);
    else this.started?.runner.exceeded(error);
  }

  /** @param spent why the guest is of no more use, where it is not */
  lost(kind: LossKind, stack: string | undefined, spent: GeppettoError | undefined): void {
    const { session, started } = this;
    if (session !== undefined && spent === undefined) session.turnLost(stack);
    else if (session !== undefined && spent !== undefined) {
      session.lost(spent, kind);
      void started?.loop.close(spent);
    } else if (this.runsScript) started?.runner.lost(kind, stack);
    else {
      const error = realmError(kind, this.#host.limits);
      this.#host.logger.error(error.message);
      // Whoever waits for the guest waits in vain.
      if (spent !== undefined) void started?.loop.close(error);
    }
  }

  /** Their time is up. */
  abort(): void {
    this.started?.runner.end("aborted", toErrorRecord(abortedError()));
    this.session?.abort();
  }

  /** The engine is ended. */
  evict(reason: GeppettoError): void {
    this.started?.runner.end("crashed", toErrorRecord(reason));
    this.session?.lost(reason, "disposed");
  }
}
