/**
 * The child of a process realm: a thread realm and a relay. It knows no feature and holds no secret: every op is asked
 * of the parent. It ends, by SIGKILL since a guest's thread may hold the process, when its parent goes.
 */
import { writeSync } from "node:fs";
import { Channel, encodeMessage, type Message } from "./channel.ts";
import type { EntryOptions, Realm, RealmDoors, RealmFailure, RealmLimits, Source } from "./realm.ts";
import { ThreadRealm } from "./thread-realm.ts";
import type { Parcel } from "../shared/frames.ts";

const answers = new Map<number, (parcel: Parcel) => void>();
let nextId = 1;
let realm: Realm | undefined;

function die(): never {
  process.kill(process.pid, "SIGKILL");
  // The signal is on its way; nothing may happen any more.
  for (;;);
}

function ask(type: string, frame: string): Promise<Parcel> {
  const id = nextId++;
  return new Promise((resolve) => {
    answers.set(id, resolve);
    channel.send({ type, id, parcel: { text: frame } });
  });
}

const doors: RealmDoors = {
  call: async (frame) => (await ask("call", frame)).text,
  callBlocking: (frame) => ask("callBlocking", frame),
};

/** Past help: says so at once, without the event loop, and dies. */
function onCatastrophe(): void {
  writeSync(1, encodeMessage({ type: "memory", id: 0 }));
  die();
}

async function create(id: number, limits: RealmLimits, runtime: string): Promise<void> {
  realm = await ThreadRealm.create(doors, limits, { runtime, onCatastrophe });
  channel.send({ type: "ready", id });
}

async function end(id: number, turn: Promise<RealmFailure | undefined>): Promise<void> {
  const failure = await turn;
  const cpuMs = realm?.stats().cpuMs ?? 0;
  channel.send({ type: "ended", id, data: { failure, cpuMs } });
}

function onMessage({ type, id, data, parcel }: Message): void {
  switch (type) {
    case "create":
      void create(id, data as RealmLimits, parcel!.text);
      break;
    case "invoke":
      void end(id, realm!.invoke(parcel!, data as EntryOptions));
      break;
    case "run": {
      const { options, ...source } = data as Omit<Source, "code"> & { options: EntryOptions };
      void end(id, realm!.run({ ...source, code: parcel!.text }, options));
      break;
    }
    case "answer": {
      const answer = answers.get(id);
      answers.delete(id);
      answer?.(parcel!);
      break;
    }
    default:
      die();
  }
}

const channel: Channel = new Channel(process.stdin, process.stdout, { onMessage, onEnd: die });
