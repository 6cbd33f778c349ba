/**
 * The child of a process realm: a thread realm and a relay. It knows no feature and holds no secret: every op is asked
 * of the parent. It ends, by SIGKILL since a guest's thread may hold the process, when its parent goes.
 */
import { readSync, writeSync } from "node:fs";
import { FramePipe, encodeMessage, readMessage, type Message } from "./frame-pipe.ts";
import type { EntryOptions, Realm, HostBridge, RealmFailure, RealmLimits, Source } from "./realm.ts";
import { ThreadRealm } from "./thread-realm.ts";
import type { Frame } from "../shared/frames.ts";

let nextId = 1;
let realm: Realm | undefined;
let turns = 0;
let pulse: NodeJS.Timeout | undefined;

/** How often the parent gets a sign of life during a turn, in milliseconds. */
const PULSE_MS = 100;

/**
 * The pipe on which everything is said, synchronously and so in order, and on which the guest's ops are answered. What
 * there is to do comes on stdin.
 */
const TALK = 3;

function die(): never {
  process.kill(process.pid, "SIGKILL");
  // The signal is on its way; nothing may happen any more.
  for (;;);
}

/**
 * Asks the parent and waits, with this whole process: while an op is asked the guest waits anyway, and answering from
 * within its call spares isolated-vm the wake-up of a waiting thread from another turn, in which 7.0.1 can deadlock.
 */
function ask(type: string, text: string): Frame {
  say({ type, id: nextId++, frame: { text } });
  flush();
  const { frame: answer } = readMessage(readExactly);
  return answer!;
}

const unsaid: Buffer[] = [];

/** Says something soon: what comes together goes together. */
function say(message: Message): void {
  unsaid.push(encodeMessage(message));
  if (unsaid.length === 1) setImmediate(flush);
}

function flush(): void {
  const bytes = unsaid.length === 1 ? unsaid[0]! : Buffer.concat(unsaid);
  unsaid.length = 0;
  for (let sent = 0; sent < bytes.length;) sent += retry(() => writeSync(TALK, bytes, sent));
}

function readExactly(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let read = 0; read < length;) {
    const count = retry(() => readSync(TALK, bytes, read, length - read, null));
    if (count === 0) die();
    read += count;
  }
  return bytes;
}

const never = new Int32Array(new SharedArrayBuffer(4));

/** A pipe that is not blocking says EAGAIN; one that is broken is the end. */
function retry(io: () => number): number {
  for (;;) {
    try {
      return io();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") die();
      Atomics.wait(never, 0, 0, 1);
    }
  }
}

const bridge: HostBridge = {
  call: (frame) => ask("call", frame).text,
  callBlocking: (frame) => ask("callBlocking", frame),
  note: (frame) => say({ type: "note", id: nextId++, frame: { text: frame } }),
};

/** Past help: says so at once, without the event loop, and dies. */
function onCatastrophe(): void {
  say({ type: "memory", id: 0 });
  flush();
  die();
}

async function create(id: number, limits: RealmLimits, runtime: string): Promise<void> {
  realm = await ThreadRealm.create(bridge, limits, { runtime, onCatastrophe });
  say({ type: "ready", id });
}

/** While a turn is under way the parent hears every so often how much CPU time the guest has used. */
function setPulse(on: boolean): void {
  if (on === (pulse !== undefined)) return;
  clearInterval(pulse);
  pulse = on ? setInterval(() => say({ type: "pulse", id: 0, data: realm?.stats() }), PULSE_MS) : undefined;
}

async function end(id: number, turn: Promise<RealmFailure | undefined>): Promise<void> {
  turns++;
  setPulse(true);
  const failure = await turn;
  turns--;
  setPulse(turns > 0);
  say({ type: "ended", id, data: { failure, cpuMs: realm?.stats().cpuMs } });
}

function onMessage({ type, id, data, frame }: Message): void {
  switch (type) {
    case "create":
      void create(id, data as RealmLimits, frame!.text);
      break;
    case "invoke":
      void end(id, realm!.invoke(frame!, data as EntryOptions));
      break;
    case "run": {
      const { options, ...source } = data as Omit<Source, "code"> & { options: EntryOptions };
      void end(id, realm!.run({ ...source, code: frame!.text }, options));
      break;
    }
    default:
      die();
  }
}

// Whatever goes wrong here, a guest's thread must not keep the process.
for (const event of ["exit", "uncaughtException", "unhandledRejection"]) process.on(event, die);
export const commands: FramePipe = new FramePipe(process.stdin, undefined, { onMessage, onEnd: die });
