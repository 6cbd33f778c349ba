import type { Bundle } from "../../modules/bundle-script.ts";
import { LoadError } from "../../modules/load-error.ts";
import type { BrokenCode } from "../../modules/session/session-messages.ts";
import { CodeReaders } from "../../modules/session/code-readers.ts";
import { MAX_SESSION_CHARS } from "../../modules/session/session-reader.ts";
import type { Permissions } from "../../permissions/permissions.ts";
import { FRAMES } from "../../shared/contract/frame-kinds.ts";
import type { SessionPlan } from "../../shared/contract/sessions.ts";
import type { ErrorRecord } from "../../shared/frames.ts";
import type { Source } from "../../sandbox/realm.ts";
import type { RealmSession } from "../realm-session.ts";
import { placeOf } from "./place-of.ts";
import type { SessionRun } from "./session-run.ts";

/** What a session's code is made with. */
export interface SessionCodeHost {
  loop: RealmSession;
  permissions: Permissions;
  /** Of whoever has several sessions; else it has its own. */
  readers?: CodeReaders;
}

/** Makes the code of a session's runs into what its guest evaluates, with what it imports. */
export class SessionCode {
  readonly #loop: RealmSession;
  readonly #permissions: Permissions;
  readonly #readers: CodeReaders;
  readonly #areOwn: boolean;

  constructor({ loop, permissions, readers }: SessionCodeHost) {
    this.#loop = loop;
    this.#permissions = permissions;
    this.#readers = readers ?? new CodeReaders(1);
    this.#areOwn = readers === undefined;
  }

  /**
   * What to evaluate; undefined where the code does not load, which the run has been told.
   *
   * @param folder where imports start from
   */
  async read(
    run: SessionRun,
    code: string,
    { folder, tenant }: { folder: string | undefined; tenant: string },
  ): Promise<SessionPlan | undefined> {
    const { name } = run;
    if (code.length > MAX_SESSION_CHARS) {
      const message = `Cannot run ${name}: it is larger than ${MAX_SESSION_CHARS} characters`;
      run.refuse({ name: "LimitError", message, code: "ERR_LIMIT_IMPORT" }, true);
      return undefined;
    }
    const reading = await this.#readers.read(name, code, { tenant, signal: run.isOver.signal });
    if (reading === undefined) {
      run.refuse({
        name: "SyntaxError",
        message: `Cannot run ${name}: it is too large, or nested too deeply, to be read`,
      });
      return undefined;
    }
    if ("broken" in reading) {
      run.isIncomplete = reading.broken.isIncomplete;
      run.refuse(await this.#describe(name, code, reading.broken));
      return undefined;
    }
    const { plan, imports } = reading.read;
    if (imports !== undefined && !(await this.#import(run, imports, folder))) return undefined;
    return plan;
  }

  close(): void {
    if (this.#areOwn) this.#readers.close();
  }

  /** What is wrong with the code: what V8 says, where it may be meant as JavaScript. It is compiled for that, not run. */
  async #describe(name: string, code: string, broken: BrokenCode): Promise<ErrorRecord> {
    const { message, line, column, isTyped, isIncomplete } = broken;
    const what = isIncomplete ? "Unexpected end of input" : message;
    const own = { name: "SyntaxError", message: `${what} [${name}:${line}:${column}]` };
    if (isTyped || isIncomplete) return own;
    let said: ErrorRecord | undefined;
    const source: Omit<Source, "token"> = {
      // The bracket at the end makes sure that nothing of it runs.
      code: `(async () => {\n${code}\n})\n)`,
      filename: `file:///${name}`,
      kind: "classic",
      lineOffset: 1,
    };
    await this.#loop.run(source, {
      onSettled: () => {},
      onFailed: () => {},
      onTurnFailed: (failure) => {
        if (failure.kind === "load") said = failure.error;
      },
    });
    // Where it objects to what was put around the code, it does not see what is wrong.
    const place = said && placeOf(said);
    return said === undefined || (place?.line ?? 0) > code.split("\n").length ? own : said;
  }

  /** Runs the module that imports what the code imports. False where that fails, which the run has been told. */
  async #import(run: SessionRun, code: string, folder = process.cwd()): Promise<boolean> {
    const { name } = run;
    const bundle = await this.#bundle(run, code, folder);
    if (bundle === undefined) return false;
    // It is not the code itself, whose places are others.
    const filename = `file:///${name}#imports`;
    const positions = "positions" in bundle ? [{ ...bundle.positions, file: filename }] : [];
    for (const record of bundle.refusals ?? []) this.#loop.expect(record);
    await this.#loop.enterChecked(FRAMES.session_import, `file:///${name}`, positions);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    void run.ended.then(() => resolve(false));
    void this.#loop.run(
      { code: bundle.code, filename, kind: "module", lineOffset: 0 },
      {
        onSettled: () => resolve(true),
        onFailed: (error) => run.failed(this.#loop.identify(error)),
        onTurnFailed: (failure, settled) => {
          if (settled) return;
          if (failure.kind === "load") run.refuse(asDenied(failure.error));
          else if (failure.kind === "thrown") run.failed(this.#loop.identify(failure.error));
        },
      },
    );
    return promise;
  }

  async #bundle(
    run: SessionRun,
    code: string,
    folder: string,
  ): Promise<(Partial<Bundle> & { code: string }) | undefined> {
    // The realm says what may not be imported.
    if (this.#permissions.imports().isClosed) return { code };
    // Loaded on use: most code imports nothing.
    const { bundleScript } = await import("../../modules/bundle-script.ts");
    try {
      return await bundleScript({ name: run.name, code, folder }, this.#permissions, run.isOver.signal);
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
      run.refuse(error.record);
      return undefined;
    }
  }
}

/** Nothing may be imported. */
function asDenied(error: ErrorRecord): ErrorRecord {
  return error.name === "PermissionError" ? { ...error, code: "ERR_PERMISSION" } : error;
}
