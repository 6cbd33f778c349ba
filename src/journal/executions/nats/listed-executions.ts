import { isExecutionId } from "../execution-errors.ts";
import type { ExecutionDetails, ExecutionFacts, ListExecutionsOptions } from "../journal.ts";
import type { ListCursor, ListPage, RecordPage } from "../tables/execution-reader.ts";
import { damagedRecord, hasEnded, readWaits, toFacts } from "../tables/execution-rows.ts";
import { fits } from "../tables/questions.ts";
import { readValue } from "../tables/read-value.ts";
import { readEnd, type ExecutionLog } from "./execution-log.ts";
import { rowOf, type LogRow } from "./log-row.ts";
import type { MessageBox, WaitingMessage } from "./message-box.ts";
import type { NatsLink } from "./nats-link.ts";
import { ParkedThings } from "./parked-things.ts";
import { RecordReader } from "./record-reader.ts";
import { scanStream } from "./scan-stream.ts";
import type { SessionHolders } from "./session-holders.ts";
import type { StreamNames } from "./stream-names.ts";

/** Readers, and lists, that may go on where they were, most of them. */
const MAX_READERS = 64;
const MAX_LISTS = 8;
/** Executions of a list that are read at a time. */
const PAGE_ROWS = 256;
/**
 * So much of what a list has seen is kept, in characters, with so many of a row that has no long texts. It is as good as new
 * for so long, in milliseconds.
 */
const SEEN_CHARS = 40_000_000;
const ROW_CHARS = 600;
const FRESH_MS = 5000;

const RULES = { now: Date.now, silenceMs: Infinity };

type ListFilter = Omit<ListExecutionsOptions, "limit">;

/** A list as it was when somebody began to read it. */
interface FoundList {
  /** With what was seen of it, as far as there is room. */
  ids: { id: string; order: number; row?: LogRow }[];
  seenAt: number;
  messages: ReadonlyMap<string, readonly WaitingMessage[]>;
  /** How many of them have been read. */
  at: number;
}

export interface ListedParts {
  link: NatsLink;
  names: StreamNames;
  log: ExecutionLog;
  box: MessageBox;
  holders: SessionHolders;
  /** Does this journal hold it? */
  isOwn(id: string): boolean;
}

/** What is known of executions on a NATS server. */
export class ListedExecutions {
  readonly #parts: ListedParts;
  /** Readers that stand before a record, by execution and number. */
  readonly #readers = new ParkedThings<RecordReader>(MAX_READERS, (reader) => reader.close());
  /** Lists of which a page is still to be read, by what they are of and where they go on. */
  readonly #lists = new ParkedThings<FoundList>(MAX_LISTS, () => {});

  constructor(parts: ListedParts) {
    this.#parts = parts;
  }

  async get(id: string): Promise<ExecutionDetails | undefined> {
    const { log, box } = this.#parts;
    const { row } = await log.last(id);
    if (row === undefined) return undefined;
    const details = readDetails(await log.details(row.details_at));
    const messages: WaitingMessage[] = await box.read(id, 0, 64);
    const facts = await this.#facts(row, messages, new Map());
    return { ...facts, details: details ?? {}, ...(details === undefined ? { isDamaged: true } : {}) };
  }

  /** The server has no order but that of the last changes: the first page looks at all, and keeps no more than where they are. */
  async page(filter: ListFilter, cursor?: ListCursor): Promise<ListPage> {
    const { state, tenant, due } = filter;
    const key = JSON.stringify([state, tenant, due]);
    const list = this.#lists.take(`${key} ${cursor?.key}`) ?? (await this.#look(filter, cursor));
    const ids = list.ids.slice(list.at, list.at + PAGE_ROWS);
    const sessions = new Map<string, boolean>();
    const isFresh = performance.now() - list.seenAt < FRESH_MS;
    const found = await Promise.all(
      ids.map(async ({ id, row }) => (isFresh && row !== undefined ? row : (await this.#parts.log.last(id)).row)),
    );
    const executions: ExecutionFacts[] = [];
    for (const row of found) {
      // One that has been removed, or is another case by now.
      if (row === undefined || (state !== undefined && row.state !== state)) continue;
      executions.push(await this.#facts(row, list.messages.get(row.id) ?? [], sessions));
    }
    const at = list.at + ids.length;
    if (at >= list.ids.length) return { executions };
    const next = { key: ids.at(-1)!.order };
    this.#lists.keep(`${key} ${next.key}`, { ...list, at });
    return { executions, next };
  }

  /** Those that fit, in the order in which they are listed. */
  async #look({ state, tenant, due }: ListFilter, cursor: ListCursor | undefined): Promise<FoundList> {
    const messages = new Map<string, WaitingMessage[]>();
    for await (const message of this.#parts.box.waiting()) {
      const own = messages.get(message.id);
      if (own === undefined) messages.set(message.id, [message]);
      else own.push(message);
    }
    const ids: FoundList["ids"] = [];
    const seenAt = performance.now();
    let room = SEEN_CHARS;
    for await (const row of this.#rows()) {
      if ((state !== undefined && row.state !== state) || (tenant !== undefined && row.tenant !== tenant)) continue;
      const { id, due_at: dueAt } = row;
      room -= ROW_CHARS + row.waits_for.length + (row.error?.length ?? 0);
      const seen = room > 0 ? { id, row } : { id };
      if (due === undefined) ids.push({ ...seen, order: -row.order });
      else if (row.state !== "suspended") continue;
      // Those that were answered come first, then by the time at which they were due.
      else if (isAnswered(row, messages.get(id) ?? []))
        ids.push({ ...seen, order: row.order - Number.MAX_SAFE_INTEGER });
      else if (dueAt !== null && dueAt <= due) ids.push({ ...seen, order: dueAt });
    }
    ids.sort((a, b) => a.order - b.order);
    const at = cursor === undefined ? 0 : ids.findIndex(({ order }) => order > cursor.key);
    return { ids, messages, seenAt, at: at < 0 ? ids.length : at };
  }

  async records(id: string, from: number): Promise<RecordPage> {
    for (let first = -1; ;) {
      const { row, at, isDamaged } = await this.#parts.log.last(id);
      if (row === undefined) return { records: [], isLast: true, hasEnded: true };
      if (isDamaged) throw damagedRecord(id, from);
      const ended = hasEnded(row.state);
      const start = Math.max(from, row.first_seq);
      if (start > row.last_seq) return { records: [], isLast: true, hasEnded: ended };
      const reader = await this.#readerOf(row, at, start);
      try {
        const records = await reader.page(at, row.last_seq);
        this.#park(id, reader);
        return { records, isLast: reader.next > row.last_seq, hasEnded: ended };
      } catch (error) {
        reader.close();
        // A checkpoint that came meanwhile has removed what was to be read.
        if (first === row.first_seq) throw error;
        first = row.first_seq;
      }
    }
  }

  /** Removes those that ended first, but for so many. */
  async prune(maxEnded: number): Promise<void> {
    const ended: LogRow[] = [];
    for await (const row of this.#rows()) if (hasEnded(row.state)) ended.push(row);
    ended.sort((a, b) => b.order - a.order);
    for (const { id } of ended.slice(maxEnded)) {
      await this.#parts.log.remove(id);
      await this.#parts.box.clear(id);
    }
  }

  close(): void {
    this.#readers.clear();
    this.#lists.clear();
  }

  async *#rows(): AsyncGenerator<LogRow> {
    const { link, names } = this.#parts;
    const options = { filter: names.log("*"), isLastOnly: true };
    for await (const { subject, data, time } of scanStream(link, names.logs, options)) {
      const id = names.idOf(subject);
      // Nobody can have begun one of another id.
      const { row } = isExecutionId(id) ? readEnd(id, data, time) : {};
      if (row !== undefined) yield row;
    }
  }

  async #facts(
    row: LogRow,
    messages: readonly WaitingMessage[],
    sessions: Map<string, boolean>,
  ): Promise<ExecutionFacts> {
    const { holders, isOwn } = this.#parts;
    const seen = rowOf(row);
    const isHeld = row.session === holders.own ? isOwn(row.id) : await holders.isHeld(row, sessions);
    const isWaitedFor = !hasEnded(row.state) && isAnswered(row, messages);
    return toFacts({ ...seen, holder: isHeld ? row.holder : null, is_answered: isWaitedFor ? 1 : 0 }, RULES);
  }

  async #readerOf(row: LogRow, at: number, from: number): Promise<RecordReader> {
    const key = `${row.id} ${from}`;
    const parked = this.#readers.take(key);
    if (parked !== undefined) return parked;
    const { link, log, names } = this.#parts;
    const place = { id: row.id, stream: names.logs, subject: names.log(row.id) };
    return RecordReader.open(link, log, place, { from, first: row.first_seq, last: at });
  }

  /** Who reads on, or follows, goes on with the same consumer. */
  #park(id: string, reader: RecordReader): void {
    this.#readers.keep(`${id} ${reader.next}`, reader);
  }
}

function isAnswered({ taken, ...row }: LogRow, messages: readonly WaitingMessage[]): boolean {
  if (messages.length === 0) return false;
  const waits = readWaits(rowOf({ taken, ...row })) ?? [];
  return messages.some((message) => !taken.includes(message.number) && fits(message, waits));
}

function readDetails(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const details = text === undefined ? undefined : readValue(text);
    return typeof details === "object" && details !== null ? (details as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
