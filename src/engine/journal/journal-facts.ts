import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { hostLocal } from "../../base/time/host-local.ts";
import { JOURNAL_VERSION, type JournalFacts } from "../../journal/journal-record.ts";
import { runtimeText } from "../../sandbox/runtime-text.ts";
import type { EngineSettings } from "../engine-options.ts";
import type { EngineLimits } from "../limits.ts";

/** What a journal of a run in such an engine begins with. Reads and hashes the guest runtime. */
export function journalFacts(options: EngineSettings, { memoryMB, outputBytes }: EngineLimits): JournalFacts {
  const { isolation = "process", hardening = "standard", timeZone = "UTC" } = options;
  const { timeZone: hostZone, locale: hostLocale } = hostLocal();
  return {
    format: JOURNAL_VERSION,
    product: productVersion(),
    runtime: runtimeHash(),
    ...engineVersions(),
    isolation,
    hardening,
    timeZone,
    hostZone,
    hostLocale,
    memoryMB,
    outputBytes,
  };
}

/** The version of geppetto-js. */
export function productVersion(): string {
  return (createRequire(import.meta.url)("geppetto-js/package.json") as { version: string }).version;
}

/** SHA-256 of what runs in the guest before any script. */
export function runtimeHash(): string {
  return createHash("sha256").update(runtimeText()).digest("hex");
}

/** Major versions of Node and V8: what may change how a script runs. */
export function engineVersions(): Pick<JournalFacts, "node" | "v8"> {
  return { node: majorOf(process.versions.node), v8: majorOf(process.versions.v8) };
}

function majorOf(version: string): number {
  return Number.parseInt(version, 10);
}
