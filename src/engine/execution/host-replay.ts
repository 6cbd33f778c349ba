import type { ExecutionRecord } from "../../journal/executions/journal.ts";
import { FRAMES } from "../../shared/contract/frame-kinds.ts";
import { FRAME_VERSION, type Frame } from "../../shared/frames.ts";
import { isClockNote } from "../journal/replayed-entries.ts";
import type { ExecutionClock } from "./execution-clock.ts";
import { differs } from "./execution-errors.ts";
import type { OutsideKeeper } from "./outside-keeper.ts";
import type { Pace } from "./pace.ts";
import { entryKey, readCall, readTurn, RECORDS, toFrame } from "./tape-record.ts";
import type { TapeIndex } from "./tape-index.ts";
import { opOf } from "../journal/compare-messages.ts";
import type { Entry, MadeEntry, Wall, WallOptions } from "./wall.ts";

/** Longest time that the host may take to come to what it did then, in milliseconds. */
const PATIENCE_MS = 30_000;

export interface HostReplayOptions {
  executionId: string;
  index: TapeIndex;
  wall: Wall;
  keeper: OutsideKeeper;
  clock: ExecutionClock;
  pace: Pace;
  served: WallOptions["served"];
  /** Cancels the runs that are under way. */
  cancelRuns: () => void;
}

/** What the host has come to. */
export interface BroughtBack {
  /** What went into the guest, as it is to go in again. */
  entries: Entry[];
  /** Entries of then whose turns are not known to be over, from the first of them on. */
  open: MadeEntry[];
  /** What a guest that waited then waits for. */
  waiting: Promise<Frame> | undefined;
}

/**
 * Brings the host's half of an execution back, without a guest: what the guest said then is served again, and what the host
 * makes of it is matched with what went into the guest then. Nothing outside is asked, and no time passes but that of then.
 */
export class HostReplay {
  readonly #options: HostReplayOptions;
  readonly #entries: Entry[] = [];
  readonly #open: MadeEntry[] = [];
  #waiting: Promise<Frame> | undefined;

  constructor(options: HostReplayOptions) {
    this.#options = options;
  }

  /**
   * Resolves when it has come to the end of what is on record, or the script is over.
   *
   * @throws {GeppettoError} ReplayError where the host does not do what it did then.
   */
  async play(): Promise<BroughtBack> {
    const { index, wall } = this.#options;
    for (const record of index.records) {
      await this.#follow(record);
      if (wall.isOver) break;
    }
    return { entries: this.#entries, open: this.#open, waiting: this.#waiting };
  }

  async #follow(record: ExecutionRecord): Promise<void> {
    const { clock, keeper, served } = this.#options;
    const { kind, text } = record;
    switch (kind) {
      case RECORDS.time:
        clock.setThen(Number(text));
        return;
      case RECORDS.note:
      case RECORDS.output:
        if (isClockNote(text)) return;
        keeper.serve(() => served.note(text));
        return settle();
      case RECORDS.call: {
        const said = readCall(record).text;
        if (isClockNote(said)) return;
        keeper.serve(() => served.call(said));
        return settle();
      }
      case RECORDS.wait:
        this.#waiting = Promise.resolve(keeper.serve(() => served.callBlocking(text)));
        return settle();
      case RECORDS.reply:
        await this.#unlessLate(this.#waiting, `answer ${opOf(text)}`);
        this.#waiting = undefined;
        return;
      case RECORDS.deliver:
        return this.#deliver(toFrame(record));
      case RECORDS.run: {
        const made = await this.#made(RECORDS.run);
        if (made?.entry.kind === "run") this.#entries.push(made.entry);
        return;
      }
      case RECORDS.turn:
        this.#open.shift()?.end(readTurn(record));
        return settle();
      case RECORDS.answer:
        keeper.release(record);
        return settle();
      case RECORDS.cancel:
        this.#options.cancelRuns();
        return settle();
      case RECORDS.alarm:
        clock.ring(Number(text));
        return settle();
    }
  }

  async #deliver(frame: Frame): Promise<void> {
    if (frame.text.startsWith(ATTEMPT_LIVE)) {
      // The execution's own, told when an earlier attempt went on.
      this.#entries.push({ kind: "deliver", frame });
      this.#open.push({ entry: { kind: "deliver", frame }, options: {}, end: () => {} });
      return;
    }
    const made = await this.#made(entryKey(frame.text));
    const now = made?.entry.kind === "deliver" ? made.entry.frame : frame;
    // Whose attempt it is, and where lines come from, is told as it is now; all else as it was.
    this.#entries.push({ kind: "deliver", frame: NEW.test(frame.text) ? now : frame });
  }

  /** What the host makes, as it did then. */
  async #made(key: string): Promise<MadeEntry | undefined> {
    const { wall, pace } = this.#options;
    let made = wall.takeMade(key);
    if (made === undefined) {
      const [kind = "", id = ""] = key.split(":");
      pace.due(kind, id);
      made = wall.takeMade(key);
    }
    const late = Date.now() + PATIENCE_MS;
    while (made === undefined) {
      if (wall.isOver) return undefined;
      await this.#unlessLate(wall.nextMade(), key, late - Date.now());
      made = wall.takeMade(key);
    }
    this.#open.push(made);
    return made;
  }

  async #unlessLate<T>(work: Promise<T> | undefined, what: string, ms = PATIENCE_MS): Promise<void> {
    const { executionId } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = differs(executionId, `its host does not come to what it did then (${what})`);
      timer = setTimeout(() => reject(error), Math.max(0, ms));
    });
    try {
      await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const ATTEMPT_LIVE = `[${FRAME_VERSION},"${FRAMES.attempt_live.name}",`;
const NEW = new RegExp(
  `^\\[\\d+,"${FRAMES.entry_check.name}",\\d+,"(?:${FRAMES.execution_begin.name}|${FRAMES.positions_set.name})"`,
);

/** Resolves when all has followed that follows without the outside. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
