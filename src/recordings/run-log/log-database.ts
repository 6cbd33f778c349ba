import { chmodSync, renameSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Logger } from "../../base/logger.ts";
import { transact } from "../../base/sqlite.ts";
import { migrate, SCHEMA_VERSION, versionOf } from "./run-log-schema.ts";
import { openReadOnly } from "./open-read-only.ts";
import { reasonOf } from "../quarantine-file.ts";
import { makeFolder } from "../../base/files/make-folder.ts";

/** A connection to a log, for whoever asks. */
export interface LogConnection {
  /** What `work` returns, which is told the log's version; undefined where there is no database. */
  use<T>(work: (database: DatabaseSync, version: number) => T): T | undefined;
  /** Does all of `work`, or nothing; says which. */
  transact(work: (database: DatabaseSync) => void): boolean;
  close(): void;
}

/** A log that is only read: what goes wrong is thrown. */
export class ReadOnlyLog implements LogConnection {
  readonly #database: DatabaseSync | undefined;
  readonly #version: number;

  constructor(file: string) {
    this.#database = openReadOnly(file);
    this.#version = this.#database === undefined ? 0 : versionOf(this.#database);
  }

  use<T>(work: (database: DatabaseSync, version: number) => T): T | undefined {
    return this.#database && work(this.#database, this.#version);
  }

  transact(): never {
    throw new Error("it is open for reading only");
  }

  close(): void {
    if (this.#database?.isOpen) this.#database.close();
  }
}

/**
 * The SQLite file of a log. Nothing here throws: a file that is damaged is set aside, with a warning, for a new one;
 * whatever else goes wrong is a warning, once, and what was to be done is not done.
 */
export class LogDatabase implements LogConnection {
  readonly #file: string;
  readonly #logger: Logger;
  #database: DatabaseSync | undefined;
  #hasFailed = false;

  constructor(file: string, logger: Logger) {
    this.#file = file;
    this.#logger = logger;
    this.#try(() => this.#connect());
  }

  /** What `work` returns; undefined where there is no database, or it failed. */
  use<T>(work: (database: DatabaseSync, version: number) => T): T | undefined {
    const database = this.#database;
    return database && this.#try(() => work(database, SCHEMA_VERSION));
  }

  transact(work: (database: DatabaseSync) => void): boolean {
    const done = this.use((database) => {
      transact(database, work);
      return true;
    });
    return done ?? false;
  }

  /** Idempotent. */
  close(): void {
    this.use((database) => database.close());
    this.#database = undefined;
  }

  #connect(): void {
    makeFolder(dirname(this.#file));
    // Loaded here: a program without a log need not have it.
    const { DatabaseSync: Database } = process.getBuiltinModule("node:sqlite");
    const database = new Database(this.#file, { timeout: 5000 });
    try {
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
      if (versionOf(database) < SCHEMA_VERSION) transact(database, migrate);
      chmodSync(this.#file, 0o600);
    } catch (error) {
      database.close();
      throw error;
    }
    this.#database = database;
  }

  #try<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (isDamaged(error)) this.#replace(error);
      else this.#fail(error);
      return undefined;
    }
  }

  #replace(error: unknown): void {
    try {
      this.#database?.close();
    } catch {
      // It is damaged: what matters is that it is let go of.
    }
    this.#database = undefined;
    const name = basename(this.#file);
    const suffix = `.corrupt-${Date.now()}`;
    try {
      for (const part of ["-wal", "-shm", ""]) renameIfExists(this.#file + part, this.#file + suffix + part);
      this.#logger.warn(`Renaming ${name} as ${name}${suffix}: ${(error as Error).message}`);
      this.#connect();
    } catch (failure) {
      this.#fail(failure);
    }
  }

  /** Says so once. What was there stays there. */
  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#logger.warn(`Continuing without the log ${basename(this.#file)}: ${(error as Error).message}`);
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
function isDamaged(error: unknown): boolean {
  const { errcode } = error as { errcode?: number };
  return errcode !== undefined && [11, 26].includes(errcode & 0xff);
}

function renameIfExists(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (reasonOf(error) !== "ENOENT") throw error;
  }
}
