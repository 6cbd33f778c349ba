/** Writes runs to a log that other processes write to as well. */
import type { StepEvent } from "../../src/index.ts";
import { RunLog } from "../../src/recordings/index.ts";

const [file, name, count] = process.argv.slice(2) as [string, string, string];
const meta = { messageId: "m", parentId: "", engine: "" };
using log = RunLog.open(file);
for (let i = 0; i < Number(count); i++) {
  const run = log.begin({ script: `${name}.js` });
  const metadata = { stepId: "s", type: "double", inputType: "a", outputType: "b", startedAt: 1 };
  const step = { stepId: "s", type: "double", inputType: "a", outputType: "b", metadata };
  for (let seq = 0; seq < 5; seq++)
    run.record({ type: "interrupt", text: String(seq), meta, step, seq, time: 1 } satisfies StepEvent);
  await run.end({ ok: true });
}
