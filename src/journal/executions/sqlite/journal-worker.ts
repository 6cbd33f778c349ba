/**
 * Runs inside a worker thread: serves the journal of a file. All that has come while it waited for the disk is done in
 * one transaction, for which the disk is waited for once.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { DatabaseSync } from "node:sqlite";
import { JournalDesk, type JournalNews } from "../access/journal-desk.ts";
import {
  answerNow,
  toSent,
  type FromJournalThread,
  type NumberedAnswer,
  type NumberedRequest,
  type ThreadAnswers,
  type ToJournalThread,
} from "../access/thread-messages.ts";
import { JournalTables, type JournalLimits } from "../tables/journal-tables.ts";
import { toJournalError } from "../tables/perform.ts";
import { openJournalFile } from "./open-journal-file.ts";

export interface SqliteThreadData {
  file: string;
  limits: JournalLimits;
  /** How long who holds an execution may be silent, and how often the thread says that it holds some, in milliseconds. */
  silenceMs: number;
  heartbeatMs: number;
  /** How often it looks for what other processes have done, in milliseconds. */
  pollMs: number;
}

const port = parentPort!;
const given = workerData as SqliteThreadData & ThreadAnswers;
const { file, limits, silenceMs, heartbeatMs, pollMs } = given;

function send(message: FromJournalThread): void {
  port.postMessage(message);
}

function tell(news: JournalNews): void {
  if (news.changed.length + news.lost.length > 0) send({ kind: "news", news });
}

try {
  serve(openJournalFile(file));
  send({ kind: "opened" });
} catch (error) {
  send({ kind: "opened", error: toSent(toJournalError(error)) });
  port.close();
}

function serve(database: DatabaseSync): void {
  const desk = new JournalDesk(new JournalTables(database, { now: Date.now, silenceMs }, limits));
  const heartbeat = setInterval(() => tell(desk.heartbeat()), heartbeatMs);
  const version = database.prepare("PRAGMA data_version");
  let seen = version.get()?.["data_version"];
  const poll = setInterval(() => {
    if (!desk.isWatching) return;
    const now = version.get()?.["data_version"];
    if (now !== seen) tell(desk.poll());
    seen = now;
  }, pollMs);

  port.on("message", (first: ToJournalThread) => {
    const messages = [first];
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      messages.push(next.message as ToJournalThread);
    }
    let requests: NumberedRequest[] = [];
    const flush = (): void => {
      if (requests.length > 0) answer(desk, requests);
      requests = [];
    };
    for (const message of messages) {
      if (message.kind === "requests") requests.push(...message.requests);
      else {
        flush();
        obey(message);
      }
    }
    flush();
  });

  function obey(message: Exclude<ToJournalThread, { kind: "requests" }>): void {
    switch (message.kind) {
      case "watch":
        return desk.watch(message.id);
      case "unwatch":
        return desk.unwatch(message.id);
      case "hold":
        return desk.hold(message.held);
      case "letGo":
        return desk.letGo(message.held);
      case "close":
        clearInterval(heartbeat);
        clearInterval(poll);
        database.close();
        given.answers.close();
        port.close();
    }
  }
}

function answer(desk: JournalDesk, requests: readonly NumberedRequest[]): void {
  const { outcomes, ...news } = desk.perform(requests);
  const done = requests.map(({ number }, i): NumberedAnswer => {
    const outcome = outcomes[i]!;
    return "error" in outcome ? { number, error: toSent(outcome.error) } : { number, value: outcome.value };
  });
  const later = done.filter((_, i) => !requests[i]!.isSync);
  send({ kind: "answers", answers: later, news });
  for (const [i, { isSync }] of requests.entries()) if (isSync) answerNow(given, done[i]!);
}
