/** Runs inside a worker thread: serves a journal of executions on a NATS server. */
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { headers } from "@nats-io/transport-node";
import { GeppettoError } from "../../../shared/errors.ts";
import type { JournalNews } from "../access/journal-desk.ts";
import {
  answerNow,
  toSent,
  type FromJournalThread,
  type NumberedAnswer,
  type NumberedRequest,
  type ThreadAnswers,
  type ToJournalThread,
} from "../access/thread-messages.ts";
import { journalFailed } from "../execution-errors.ts";
import type { JournalLimits } from "../tables/journal-tables.ts";
import { BucketValues } from "./bucket-values.ts";
import { ChangeWatch } from "./change-watch.ts";
import { ExecutionLog } from "./execution-log.ts";
import { HeldExecutions } from "./held-executions.ts";
import { ListedExecutions } from "./listed-executions.ts";
import { MessageBox } from "./message-box.ts";
import { NatsLink } from "./nats-link.ts";
import type { NatsSettings } from "./nats-options.ts";
import { NatsTables } from "./nats-tables.ts";
import { openStreams } from "./open-streams.ts";
import { SessionHolders } from "./session-holders.ts";
import { streamNames } from "./stream-names.ts";

export interface NatsThreadData {
  settings: NatsSettings;
  limits: JournalLimits;
  heartbeatMs: number;
}

/** A server that is away is not waited for to say goodbye, in milliseconds. */
const LEAVE_MS = 1000;

const port = parentPort!;
const given = workerData as NatsThreadData & ThreadAnswers;

function send(message: FromJournalThread): void {
  port.postMessage(message);
}

/** What the other thread is to hear, of this turn of the event loop. */
let answers: NumberedAnswer[] = [];
let news: JournalNews = newNews();

function newNews(): JournalNews {
  return { changed: [], written: [], lost: [] };
}

function isNothing(): boolean {
  return answers.length + news.changed.length + news.written.length + news.lost.length === 0;
}

/** Waking a thread costs more than what it is told. */
function sayTogether(add: () => void): void {
  if (isNothing()) setImmediate(sayAll);
  add();
}

function sayAll(): void {
  if (isNothing()) return;
  send({ kind: "answers", answers, news });
  answers = [];
  news = newNews();
}

function toError(error: unknown): GeppettoError {
  return error instanceof GeppettoError ? error : journalFailed((error as Error).message, error);
}

try {
  await serve(await NatsLink.connect(given.settings));
  send({ kind: "opened" });
} catch (error) {
  send({ kind: "opened", error: toSent(toError(error)) });
  port.close();
}

async function serve(link: NatsLink): Promise<void> {
  const { settings, limits, heartbeatMs } = given;
  const names = streamNames(settings.prefix);
  const streams = await openStreams(link, settings).catch(async (error: unknown) => {
    await link[Symbol.asyncDispose]();
    throw error;
  });
  const log = new ExecutionLog(link, names);
  const box = new MessageBox(link, names, headers);
  const holders = new SessionHolders(link, streams.holders, heartbeatMs / 2);
  const isOwn = (id: string): boolean => held.has(id);
  const watch = new ChangeWatch(link, names, { onChange: (id) => sayTogether(() => news.changed.push(id)), isOwn });
  const held = new HeldExecutions({
    log,
    box,
    limits,
    onWritten: (id) => {
      if (watch.isWatched(id)) sayTogether(() => news.written.push(id));
    },
    onLost: ({ id, fence }, isGone) => {
      sayTogether(() => news.lost.push({ id, fence, isGone }));
      watch.letGo(id);
    },
  });
  const list = new ListedExecutions({ link, names, log, box, holders, isOwn });
  const values = new BucketValues(link, streams.values, names, limits.values);
  const tables = new NatsTables({ log, box, held, holders, list, values, limits });
  const heartbeat = setInterval(() => {
    watch.lookAgain();
    void tables.heartbeat().catch(() => {});
  }, heartbeatMs);
  void watchConnection();

  port.on("message", (message: ToJournalThread) => {
    switch (message.kind) {
      case "requests":
        for (const request of message.requests) void answer(request);
        return;
      case "watch":
        return watch.watch(message.id);
      case "unwatch":
        return watch.unwatch(message.id);
      case "hold":
        return;
      case "letGo":
        return watch.letGo(message.held.id);
      case "close":
        void close();
    }
  });

  async function answer({ number, isSync, op, args }: NumberedRequest): Promise<void> {
    let done: NumberedAnswer;
    try {
      const serveOp = tables.ops[op as keyof typeof tables.ops] as (...args: readonly unknown[]) => Promise<unknown>;
      done = { number, value: await serveOp(...args) };
    } catch (error) {
      done = { number, error: toSent(toError(error)) };
    }
    if (isSync) answerNow(given, done);
    else sayTogether(() => answers.push(done));
  }

  /** What was said before the connection was lost may be forgotten, and what came meanwhile is heard of by nobody. */
  async function watchConnection(): Promise<void> {
    for await (const { type } of link.connection.status()) {
      if (type !== "reconnect") continue;
      holders.forget();
      // Of a server that has come back empty; who asks meanwhile hears that they are gone.
      await link.insist(() => openStreams(link, settings));
      void tables.heartbeat().catch(() => {});
      watch.reopen();
    }
  }

  async function close(): Promise<void> {
    clearInterval(heartbeat);
    watch.close();
    list.close();
    await Promise.race([holders.leave(), sleep(LEAVE_MS, undefined, { ref: false })]).catch(() => {});
    await link[Symbol.asyncDispose]();
    sayAll();
    given.answers.close();
    port.close();
  }
}
