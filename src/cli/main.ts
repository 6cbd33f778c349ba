#!/usr/bin/env node
import module from "node:module";

const [major] = process.versions.node.split(".");
if (Number(major) < 24) {
  process.stderr.write(`geppetto-js needs Node 24 or later; this is ${process.version}\n`);
  process.exit(78);
}
module.enableCompileCache();
const { runCommandLine } = await import("./command-line.ts");
await runCommandLine(process.argv.slice(2));
