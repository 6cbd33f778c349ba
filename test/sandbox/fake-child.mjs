// A child of a process realm that lies. Its first argument names the lie; it speaks the frames of src/sandbox/frame-pipe.ts.
import { closeSync, writeSync } from "node:fs";

const lie = process.argv[2];

/** All that a child says goes to one pipe. */
function write(bytes) {
  try {
    writeSync(3, bytes);
    return true;
  } catch {
    // The parent has heard enough.
    return false;
  }
}

const TYPES = {
  ready: 2,
  invoke: 3,
  ended: 5,
  failed: 6,
  call: 7,
  callBlocking: 8,
  note: 9,
  memory: 11,
  "become-root": 99,
};

/** `lengths` are those that the head tells of data and text, where it lies. */
function send(type, id, { data, text, lengths } = {}) {
  const json = Buffer.from(data === undefined ? "" : JSON.stringify(data));
  const body = Buffer.from(text ?? "");
  const head = Buffer.alloc(20);
  head.writeUInt32LE(16 + json.length + body.length, 0);
  head[4] = TYPES[type];
  head[5] = text === undefined ? 0 : 3;
  head.writeUInt32LE(id, 8);
  head.writeUInt32LE(lengths?.[0] ?? json.length, 12);
  head.writeUInt32LE(lengths?.[1] ?? body.length, 16);
  return write(Buffer.concat([head, json, body]));
}

function raw(...numbers) {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32LE(number, 4 * at);
  write(bytes);
}

const LIES = {
  "the end of the next turn": (id) => send("ended", id + 1, { data: {} }),
  "the end of a turn far ahead": () => send("ended", 2 ** 32 - 1, { data: {} }),
  "the end of a turn long over": () => send("ended", 0, { data: {} }),
  "notes after its turn": (id) => {
    send("ended", id, { data: {} });
    for (let i = 0; i < 1000; i++) send("note", i, { text: "[]" });
  },
  "notes without end": () => {
    for (;;) if (!send("note", 1, { text: "[]" })) return;
  },
  "the closing of its talk": () => closeSync(3),
  "the closing of all pipes": () => {
    for (const pipe of [0, 2, 3]) closeSync(pipe);
  },
  "an end said twice": (id) => {
    send("ended", id, { data: {} });
    send("failed", id, { data: { failure: { kind: "thrown", error: { name: "Twice", message: "twice" } } } });
  },
  "failures of no kind": (id) => send("failed", id, { data: { failure: { kind: "limit", error: 7 } } }),
  "a failure that is no object": (id) => send("failed", id, { data: { failure: "boo" } }),
  "an error that is no record": (id) =>
    send("failed", id, { data: { failure: { kind: "thrown", error: { name: {}, message: [], stack: 5 } } } }),
  "a question while it waits": () => {
    send("callBlocking", 1, { text: "[]" });
    send("call", 2, { text: "[]" });
  },
  "questions whose answers it does not read": () => {
    for (let i = 1; i < 400; i++) send("call", i, { text: "long" });
  },
  "an error of half a megabyte": (id) =>
    send("failed", id, { data: { failure: { kind: "thrown", error: { name: "E", message: "x".repeat(5e5) } } } }),
  "an error of ten megabytes": (id) =>
    send("failed", id, { data: { failure: { kind: "thrown", error: { name: "E", message: "x".repeat(1e7) } } } }),
  "negative CPU time": (id) => send("ended", id, { data: { cpuMs: -1 } }),
  "CPU time that is not a number": (id) => send("ended", id, { data: { cpuMs: {} } }),
  "an unknown type": () => send("become-root", 1),
  "a message of the parent's": () => send("invoke", 1, { text: "[1]" }),
  "a call without a frame": () => send("call", 1),
  "a call that is no frame": (id) => {
    send("call", 1, { text: "{{{" });
    send("call", 1, { text: "" });
    send("callBlocking", 2, { text: "null" });
    send("ended", id, { data: {} });
  },
  "a giant length": () => raw(0xffffffff, 0xffffffff),
  "a head longer than its message": () => raw(8, 0x7fffffff, 0),
  "lengths that do not add up": () => send("call", 1, { text: "x", lengths: [5, 5] }),
  "a negative length": () => send("call", 1, { text: "x", lengths: [0xffffffff, 2] }),
  "bytes that are not JSON": (id) => send("ended", id, { text: "{{", lengths: [2, 0] }),
  "data that are null": (id) => send("failed", id, { data: null }),
  noise: () => write(Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919 + 13) % 256))),
  "half a message, then nothing": () => {
    write(Buffer.from([200, 0, 0, 0, 1]));
    process.exit(0);
  },
  "a memory report": () => send("memory", 0),
  "an exit": () => process.exit(3),
};

/** What it says when it is to make another realm. */
const BETWEEN = {
  "nothing between two realms": () => {},
  "a note between two realms": (id) => {
    send("ready", id);
    send("note", 1, { text: "[]" });
  },
  "a second realm that is ready twice": (id) => {
    send("ready", id);
    send("ready", id);
  },
  "the closing of its talk between two realms": () => closeSync(3),
  "an exit between two realms": () => process.exit(3),
};

let pending = Buffer.alloc(0);
let first = true;
if (lie === "turns that it does not read") {
  let last = 0;
  const tell = () => {
    // It knows what comes, and tells the end of it.
    if (last === 0) send("ready", ++last);
    else send("ended", ++last, { data: {} });
  };
  setInterval(tell, 1);
} else
  process.stdin.on("data", (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 20 && pending.length >= 4 + pending.readUInt32LE(0)) {
      const id = pending.readUInt32LE(8);
      const isRenewal = pending[4] === 12;
      pending = pending.subarray(4 + pending.readUInt32LE(0));
      if (isRenewal) {
        (BETWEEN[lie] ?? (() => send("ready", id)))(id);
        first = true;
        continue;
      }
      if (first && lie !== "ready twice") send("ready", id);
      else if (first) {
        send("ready", id);
        send("ready", id);
      } else (LIES[lie] ?? (() => send("ended", id, { data: {} })))(id);
      first = false;
    }
  });
process.stdin.on("end", () => process.exit(0));
