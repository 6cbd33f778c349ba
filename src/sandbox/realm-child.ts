/**
 * The child of a process realm: one guest on this process's own thread, and a relay. It knows no feature and holds no
 * secret: every op is asked of the parent. It does one thing at a time and waits for the next with its whole process;
 * the parent watches it and ends it. It ends by itself, by SIGKILL, when its parent goes.
 */
import { readFileSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import ivm from "isolated-vm";
import { DirectRealm, type DirectBridge } from "./direct-realm.ts";
import { MAX_MESSAGE_BYTES, MESSAGE, MessageReader, MessageWriter, type Message } from "./message.ts";
import type { CreateData } from "./process-realm.ts";
import type { EntryOptions, RealmFailure, Source } from "./realm.ts";
import { readRuntimeCache } from "./runtime-cache.ts";

/** Where the parent says what there is to do. */
const COMMANDS = 0;
/** Where everything is said to the parent, and where it answers calls. */
const TALK = 3;

/** Turns after which the parent hears that they are over, so that it sends more while these go on. */
const TURNS_TOLD_TOGETHER = 32;
/** How long the end of a turn may be untold while others go on, in milliseconds. */
const LONGEST_UNTOLD_MS = 5;
/** How much may be pending to be written, in bytes. */
const MAX_PENDING_BYTES = 65_536;

const commands = new MessageReader(MAX_MESSAGE_BYTES);
const answers = new MessageReader(MAX_MESSAGE_BYTES);
const chunk = Buffer.allocUnsafe(65_536);

/** What this process was started with: the program's guest runtime, and the heap that its realm will probably have. */
const [, , , runtimeFolder = "", expectedMB = ""] = process.argv;
const runtime = readFileSync(join(runtimeFolder, "runtime.js"), "utf8");
const cacheBytes = readRuntimeCache(runtimeFolder, process.execArgv.includes("--jitless") ? "jitless" : "process");
/** All realms of this process read the same bytes. */
const cache = cacheBytes && new ivm.ExternalCopy(cacheBytes, { transferOut: true });

/**
 * Longest turn where the system does not end this process with its parent: one that nobody waits for any more must end
 * at some time.
 */
const LONGEST_UNTIED_MS = 3_600_000;

let realm: DirectRealm;
let realmMB = Number(expectedMB);
let longestMs: number | undefined;
/** Is the end of each turn told in its place among all that is said? */
let isOrderly = false;
/** Is all that the guest tells told at once? */
let isPrompt = false;
let nextId = 1;
/** The last turn that has ended well, where the parent has not heard of it, and how many they are. */
let ended = 0;
let endedCount = 0;
let toldAt = 0;
const pending = new MessageWriter();

function die(): never {
  process.kill(process.pid, "SIGKILL");
  // The signal is on its way; nothing may happen any more.
  for (;;);
}

const never = new Int32Array(new SharedArrayBuffer(4));

/** A pipe that does not block says EAGAIN; one that is broken is the end. */
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

/** Waits for the next message on a pipe. Bytes are copied out of the chunk, which the next read fills anew. */
function receive(pipe: number, reader: MessageReader): Message {
  for (;;) {
    const message = reader.next();
    if (message !== undefined) return message;
    const length = retry(() => readSync(pipe, chunk, 0, chunk.length, null));
    if (length === 0) die();
    reader.add(Buffer.from(chunk.subarray(0, length)));
  }
}

/** Says something soon, in order. */
function say(message: Message): void {
  pending.add(message);
  if (pending.size >= MAX_PENDING_BYTES) flush();
}

/** All turns up to this one are over. */
function sayEnded(): void {
  pending.add({ type: MESSAGE.ended, id: ended, data: realm.stats() });
}

/** Writes what is pending. */
function flush(): void {
  if (endedCount > 0) {
    if (!isOrderly) sayEnded();
    toldAt = performance.now();
    endedCount = 0;
  }
  if (pending.size === 0) return;
  const bytes = pending.take();
  for (let sent = 0; sent < bytes.length;) sent += retry(() => writeSync(TALK, bytes, sent));
}

function ask(type: typeof MESSAGE.call | typeof MESSAGE.callBlocking, text: string): Message {
  say({ type, id: nextId++, frame: { text } });
  flush();
  return receive(TALK, answers);
}

const bridge: DirectBridge = {
  call: (text) => ask(MESSAGE.call, text).frame!.text,
  callBlocking: (text) => ask(MESSAGE.callBlocking, text).frame!,
  note(text, isUrgent) {
    say({ type: MESSAGE.note, id: nextId++, frame: { text } });
    if (isUrgent || isPrompt) flush();
  },
};

/** Past help: says so, and dies. */
function onCatastrophe(): void {
  say({ type: MESSAGE.memory, id: 0 });
  flush();
  die();
}

function endTurn(id: number, failure: RealmFailure | undefined): void {
  if (failure !== undefined) {
    flush();
    say({ type: MESSAGE.failed, id, data: { failure, ...realm.stats() } });
    return;
  }
  ended = id;
  endedCount++;
  if (isOrderly) sayEnded();
  // The parent gives each turn its time from the end of the last one that it has heard of.
  if (endedCount >= TURNS_TOLD_TOGETHER || performance.now() - toldAt > LONGEST_UNTOLD_MS) flush();
}

/** Sets what local times are in. A realm that was made ahead has not told any yet. */
function setTimeZone(timeZone: string): void {
  if (process.env["TZ"] !== timeZone) process.env["TZ"] = timeZone;
}

/** Makes the realm, unless the one that was made ahead is as it is to be. */
function create({ memoryMB, isTied, timeZone, ...how }: CreateData): void {
  setTimeZone(timeZone);
  ({ isOrderly, isPrompt } = how);
  if (memoryMB !== realmMB) {
    realmMB = memoryMB;
    renew();
  }
  longestMs = isTied ? undefined : LONGEST_UNTIED_MS;
}

function createRealm(): DirectRealm {
  return new DirectRealm(bridge, { memoryMB: realmMB }, { runtime, cache, onCatastrophe });
}

/** Another realm in the place of this one, of which nothing stays. */
function renew(): void {
  realm.dispose();
  realm = createRealm();
}

function limited({ timeoutMs = longestMs }: EntryOptions = {}): EntryOptions {
  return timeoutMs === undefined ? {} : { timeoutMs };
}

function serve({ type, id, data, frame }: Message): void {
  switch (type) {
    case MESSAGE.create:
      create(data as CreateData);
      say({ type: MESSAGE.ready, id });
      break;
    case MESSAGE.renew:
      renew();
      say({ type: MESSAGE.ready, id });
      break;
    case MESSAGE.invoke:
      endTurn(id, realm.invoke(frame!, limited(data as EntryOptions | undefined)));
      break;
    case MESSAGE.run: {
      const { options, ...source } = data as Omit<Source, "code"> & { options: EntryOptions };
      endTurn(id, realm.run({ ...source, code: frame!.text }, limited(options)));
      break;
    }
    default:
      die();
  }
}

// Whatever goes wrong here, the guest must not keep the process.
for (const event of ["exit", "uncaughtException", "unhandledRejection"]) process.on(event, die);
setTimeZone("UTC");
realm = createRealm();
for (;;) {
  let command = commands.next();
  if (command === undefined) {
    flush();
    command = receive(COMMANDS, commands);
  }
  serve(command);
}
