// What it costs to keep a journal of a run, and to replay one.
import { redactSecrets, RuntimeEngine } from "../dist/src/index.js";
import { JournalRecorder, mayHoldAny, playJournal, readJournal } from "../dist/src/replay.js";
import { stream } from "./delta-stream.mjs";
import { compare, printTable, scaled, time, timeWithCpu } from "./measure.mjs";

const ISOLATIONS = ["thread", "process"];
const silent = { stdout() {}, stderr() {} };
const listener = { output() {}, said() {}, event() {} };
const perSecond = (count, ms) => (count / ms) * 1000;

/** Runs a script, with its journal or without; says how long it took, and what the journal's parts are. */
async function runWith(isolation, isJournaled, code) {
  const chunks = [];
  const recorder = new JournalRecorder({
    write: (chunk) => void chunks.push(chunk),
    redact: (text) => redactSecrets(text, ""),
    mayRedact: mayHoldAny([]),
  });
  await using engine = new RuntimeEngine({
    isolation,
    console: silent,
    setup: [
      async (vm) => {
        await vm.registerStep("stream", stream);
        await vm.op("sync", (n) => n, { mode: "sync" });
        await vm.op("later", async (n) => n);
      },
    ],
    ...(isJournaled ? { journal: recorder } : {}),
  });
  await engine.start();
  const { ms, cpuMs } = await timeWithCpu(async () => {
    const outcome = await engine.runScript({ code });
    if (!outcome.ok) throw new Error(outcome.error.message);
  });
  await recorder.close({ exitCode: 0 });
  return { ms, cpuMs, chunks };
}

const sizeOf = (chunks) => chunks.reduce((sum, { length }) => sum + length, 0);

export async function benchJournal() {
  const events = scaled(20_000);
  const ways = {
    runWithEvents: `await new Promise((resolve) => stream.runWithEvents(${events}, ({ type }) => { if (type === "final") resolve() }))`,
    "for await": `for await (const _ of stream.stream(${events}));`,
  };
  const sizes = {};
  for (const isolation of ISOLATIONS) {
    for (const [way, code] of Object.entries(ways)) {
      const rate = (isJournaled) => async () => {
        const { ms, cpuMs, chunks } = await runWith(isolation, isJournaled, code);
        if (isJournaled) sizes[`${way}, ${isolation}`] = async () => (sizeOf(chunks) / events) * 1000;
        return { value: perSecond(events, ms), cpuMicros: (cpuMs / events) * 1000 };
      };
      printTable(
        `Events of a run, ${way}, ${isolation}`,
        "per second",
        await compare({ "without a journal": rate(false), "with a journal": rate(true) }),
      );
    }
  }
  printTable("Journal of 1,000 deltas", "bytes", await compare(sizes));

  const ops = `for (let i = 0; i < 5000; i++) sync(i);
    for (let i = 0; i < 50; i++) await Promise.all(Array.from({ length: 100 }, (_, n) => later(n)));`;
  const replays = {};
  for (const isolation of ISOLATIONS) {
    const { chunks } = await runWith(isolation, true, ops);
    replays[isolation] = () => time(async () => playJournal(await readJournal(chunks), listener));
  }
  printTable("Replay of 10,000 recorded ops", "ms", await compare(replays));
}
