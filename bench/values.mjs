// A megabyte of rows to the host and back.
import ivm from "isolated-vm";
import { RuntimeEngine } from "../dist/src/index.js";
import { compare, printTable, scaled, timeWithCpu } from "./measure.mjs";

const ROWS =
  "Array.from({ length: 7000 }, (_, i) => ({ id: i, name: `customer ${i}`, tags: ['a', 'b'], address: { city: 'Bern', zip: 3000 + i, open: true }, total: i * 1.5 }))";

/** CPU milliseconds for each way there and back. */
async function bare(count) {
  const isolate = new ivm.Isolate({ memoryLimit: 128 });
  const context = isolate.createContextSync();
  context.global.setSync("swap", new ivm.Callback((text) => JSON.stringify(JSON.parse(text))));
  const { cpuMs } = await timeWithCpu(async () => {
    context.evalSync(`const rows = ${ROWS}; for (let i = 0; i < ${count}; i++) JSON.parse(swap(JSON.stringify(rows)))`);
  });
  isolate.dispose();
  return cpuMs / count;
}

async function engine(isolation, count) {
  const made = new RuntimeEngine({ isolation, setup: [(vm) => vm.op("swap", (rows) => rows, { mode: "sync" })] });
  await made.start();
  const { cpuMs } = await timeWithCpu(async () => {
    const code = `const rows = ${ROWS}; for (let i = 0; i < ${count}; i++) swap(rows)`;
    const { ok, error } = await made.runScript({ code });
    if (!ok) throw new Error(error.message);
  });
  await made.close();
  return cpuMs / count;
}

export async function benchValues() {
  const count = scaled(20);
  printTable(
    "A megabyte of rows to the host and back",
    "ms CPU",
    await compare({
      "bare isolate with JSON": () => bare(count),
      "sync op, thread": () => engine("thread", count),
      "sync op, process": () => engine("process", count),
    }),
  );
}
