// What it costs that an execution lasts, beside a run without a journal: per op, per event, and in stalls of the host.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryJournal, SqliteJournal } from "../dist/src/index.js";
import { runLasting } from "./lasting-run.mjs";
import { compare, printTable, scaled } from "./measure.mjs";

export async function benchExecutions() {
  const folder = mkdtempSync(join(tmpdir(), "geppetto-bench-"));
  const file = await SqliteJournal.open(join(folder, "executions.db"));
  const memory = new MemoryJournal();
  const journals = { "without a journal": undefined, MemoryJournal: memory, SqliteJournal: file };
  const [ops, atOnce, events] = [scaled(500), scaled(5_000), scaled(20_000)];
  const ways = {
    "Ops with an effect, one after the other": [ops, `for (let i = 0; i < ${ops}; i++) await pay(i);`],
    "Ops with an effect, 100 at a time": [
      atOnce,
      `for (let i = 0; i < ${atOnce / 100}; i++) await Promise.all(Array.from({ length: 100 }, (_, n) => pay(n)));`,
    ],
    "Ops that read, one after the other": [ops, `for (let i = 0; i < ${ops}; i++) await look(i);`],
    "Events of a run": [events, `for await (const _ of stream.stream(${events}));`],
  };
  const stalls = {};
  try {
    for (const [title, [count, code]] of Object.entries(ways)) {
      const peers = {};
      for (const [name, journal] of Object.entries(journals)) {
        peers[name] = async () => {
          const { ms, cpuMs, stallMs } = await runLasting(journal, code);
          stalls[name] = Math.max(stalls[name] ?? 0, stallMs);
          return { value: (count / ms) * 1000, cpuMicros: (cpuMs / count) * 1000 };
        };
      }
      printTable(`${title}, durable`, "per second", await compare(peers));
    }
    const longest = Object.fromEntries(Object.entries(stalls).map(([name, ms]) => [name, async () => ms]));
    printTable("Longest stall of the host meanwhile", "ms", await compare(longest));
  } finally {
    await file.close();
    await memory.close();
    rmSync(folder, { recursive: true });
  }
}
