/** Writes runs to a log that other processes write to as well; or one that it is in the middle of, until it is killed. */
import type { StepEvent } from "../../src/index.ts";
import { RunLog } from "../../src/recordings/index.ts";

const [file, name, count] = process.argv.slice(2) as [string, string, string];
const meta = { messageId: "m", parentId: "", engine: "" };
using log = RunLog.open(file);
if (count === "hold") await hold();
for (let i = 0; i < Number(count); i++) {
  const run = log.begin({ script: `${name}.js` });
  const metadata = { stepId: "s", type: "double", inputType: "a", outputType: "b", startedAt: 1 };
  const step = { stepId: "s", type: "double", inputType: "a", outputType: "b", metadata };
  for (let seq = 0; seq < 5; seq++)
    run.record({ type: "interrupt", text: String(seq), meta, step, seq, time: 1 } satisfies StepEvent);
  await run.end({ ok: true });
}

async function hold(): Promise<never> {
  const run = log.begin({ script: `${name}.js` });
  const metadata = { stepId: "s", type: "chat", inputType: "a", outputType: "b", startedAt: 1 };
  const step = { stepId: "s", type: "chat", inputType: "a", outputType: "b", metadata };
  run.print("stdout", "held\n");
  run.record({ type: "start", meta, step, seq: 0, time: 1 });
  while (log.show(run.id)!.events.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  process.send!("held");
  setInterval(() => {}, 60_000);
  return new Promise(() => {});
}
