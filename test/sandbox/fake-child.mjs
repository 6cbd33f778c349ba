// A child of a process realm that lies. Its first argument names the lie; it speaks the frames of src/sandbox/channel.ts.
import { writeSync } from "node:fs";

const lie = process.argv[2];

/** All that a child says goes to one pipe. */
function write(bytes) {
  try {
    writeSync(3, bytes);
  } catch {
    // The parent has heard enough.
  }
}

function send(type, id, { data, texts = [], bytes } = {}) {
  const parts = texts.map((text) => Buffer.from(text));
  const head = Buffer.from(JSON.stringify({ type, id, data, bytes: bytes ?? parts.map((part) => part.length) }));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(4 + head.length + parts.reduce((sum, part) => sum + part.length, 0), 0);
  lengths.writeUInt32LE(head.length, 4);
  write(Buffer.concat([lengths, head, ...parts]));
}

function raw(...numbers) {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32LE(number, 4 * at);
  write(bytes);
}

const LIES = {
  "forged ids": (id) => {
    for (const forged of [0, -1, id + 1, id + 1000, 2 ** 53 - 1]) send("ended", forged, { data: {} });
    send("ended", id, { data: {} });
  },
  "an end said twice": (id) => {
    send("ended", id, { data: {} });
    send("ended", id, { data: { failure: { kind: "thrown", error: { name: "Twice", message: "twice" } } } });
  },
  "failures of no kind": (id) => send("ended", id, { data: { failure: { kind: "limit", error: 7 } } }),
  "a failure that is no object": (id) => send("ended", id, { data: { failure: "boo" } }),
  "an error that is no record": (id) =>
    send("ended", id, { data: { failure: { kind: "thrown", error: { name: {}, message: [], stack: 5 } } } }),
  "a question while it waits": () => {
    send("callBlocking", 1, { texts: ["[]"] });
    send("call", 2, { texts: ["[]"] });
  },
  "questions whose answers it does not read": () => {
    for (let i = 1; i < 400; i++) send("call", i, { texts: ["long"] });
  },
  "an error of half a megabyte": (id) =>
    send("ended", id, { data: { failure: { kind: "thrown", error: { name: "E", message: "x".repeat(5e5) } } } }),
  "an error of ten megabytes": (id) =>
    send("ended", id, { data: { failure: { kind: "thrown", error: { name: "E", message: "x".repeat(1e7) } } } }),
  "CPU time that is none": (id) => {
    for (const cpuMs of [-1, "1", null, {}]) send("ended", id, { data: { cpuMs } });
    send("ended", id, { data: {} });
  },
  "an unknown type": () => send("become-root", 1),
  "a message of the parent's": () => send("invoke", 1, { texts: ["[1]"] }),
  "a call without a frame": () => send("call", 1),
  "a call that is no frame": (id) => {
    send("call", 1, { texts: ["{{{"] });
    send("call", 1, { texts: [""] });
    send("callBlocking", 2, { texts: ["null"] });
    send("ended", id, { data: {} });
  },
  "a giant length": () => raw(0xffffffff, 0xffffffff),
  "a head longer than its message": () => raw(8, 0x7fffffff, 0),
  "lengths that do not add up": () => send("call", 1, { texts: ["x"], bytes: [5, 5] }),
  "a negative length": () => send("call", 1, { texts: ["x"], bytes: [-1, 2] }),
  "bytes that are no JSON": () => write(Buffer.from([6, 0, 0, 0, 2, 0, 0, 0, 0x7b, 0x7b])),
  "a head that is null": () => write(Buffer.from([8, 0, 0, 0, 4, 0, 0, 0, ...Buffer.from("null")])),
  noise: () => write(Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919 + 13) % 256))),
  "half a message, then nothing": () => {
    write(Buffer.from([200, 0, 0, 0, 1]));
    process.exit(0);
  },
  "a memory report": () => send("memory", 0),
  "an exit": () => process.exit(3),
};

let pending = Buffer.alloc(0);
let first = true;
process.stdin.on("data", (chunk) => {
  pending = Buffer.concat([pending, chunk]);
  while (pending.length >= 8 && pending.length >= 4 + pending.readUInt32LE(0)) {
    const end = 4 + pending.readUInt32LE(0);
    const { type, id } = JSON.parse(pending.toString("utf8", 8, 8 + pending.readUInt32LE(4)));
    pending = pending.subarray(end);
    if (type === "answer") continue;
    if (first && lie !== "ready twice") send("ready", id);
    else if (first) {
      send("ready", id);
      send("ready", id);
    } else (LIES[lie] ?? (() => send("ended", id, { data: {} })))(id);
    first = false;
  }
});
process.stdin.on("end", () => process.exit(0));
