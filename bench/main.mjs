// Measures speed beside peers in the same run: npm run bench [-- --quick]. Figures are medians; the last column is the
// ratio to the first row of each table, which says more than the figures do on another machine.
import { cpus } from "node:os";
import { repetitions } from "./measure.mjs";
import { benchPipeline } from "./pipeline.mjs";
import { benchStart } from "./start.mjs";
import { benchThroughput } from "./throughput.mjs";

console.log(`Node ${process.versions.node}, ${cpus().length} x ${cpus()[0]?.model.trim()}, medians of ${repetitions}`);
await benchStart();
await benchThroughput();
await benchPipeline();
