import { randomUUID } from "node:crypto";
import { basename, dirname, resolve } from "node:path";
import { readRegularFile, reasonOf } from "../../../files.ts";
import type { GoldenTest, PreparedTest, TestDocument } from "../../../golden-tests.ts";
import { GeppettoError, type ApproveCall, type ScriptOutcome } from "../../../index.ts";
import { loadSettings, type SessionSettings } from "../../options/load-settings.ts";
import type { ScriptOptions } from "../../options/script-options.ts";
import { UsageError } from "../../options/usage-error.ts";
import { ErrorReport, type ErrorContext } from "../../output/report-error.ts";
import { shortPath } from "../../output/short-path.ts";
import { budgetLimitsOf, outsideOf, wallsOf } from "../../session/engine-options.ts";
import { PermissionLog } from "../../session/permission-log.ts";
import { describePending } from "../../session/run-monitor.ts";
import { secretsOf, storedSecrets } from "../../options/secrets-of.ts";

/** Largest script. */
const MAX_BYTES = 16_000_000;

/**
 * Finds out what a script is tested with: what `run` with these flags would run it with, in the profile that its
 * `.test.yaml` names.
 *
 * @param warn hears what the user should know, each text once or more.
 * @throws {GeppettoError} ConfigError.
 */
export async function prepareTest(
  { script, document: file }: GoldenTest,
  document: TestDocument | undefined,
  options: Partial<ScriptOptions>,
  warn: (text: string) => void,
): Promise<PreparedTest> {
  const name = basename(script);
  const source = readSource(script);
  const folder = dirname(resolve(script));
  const chosen = document?.profile === undefined ? {} : { profile: document.profile };
  let configured: SessionSettings;
  try {
    configured = await loadSettings({ ...chosen, ...options }, { source, name, folder });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const isOwnProfile = error.code === "ERR_CONFIG_PROFILE" && options.profile === undefined && document !== undefined;
    const place = isOwnProfile ? `${shortPath(file)} names the profile: ` : "";
    throw new GeppettoError("ConfigError", place + error.message, error.code === undefined ? {} : { code: error.code });
  }
  for (const warning of configured.warnings) warn(warning);
  const { chat, embeddings, limits, tools } = configured.settings;
  const { approve = "always", ...toolSettings } = tools;
  const { untrusted = false } = options;
  const uses = openUses(name, warn);
  return {
    script: { code: source, name, folder },
    engine: { ...wallsOf(configured.settings, untrusted), onPermission: (use) => uses.note(use) },
    models: {
      chat,
      embeddings,
      // Nobody is there to be asked.
      ...(approve === "always" ? {} : { onApprove: refuse }),
      ...toolSettings,
      ...(await outsideOf(configured.settings, { untrusted, onServerOutput: () => {} })),
      onNotice: warn,
    },
    budget: budgetLimitsOf(limits),
    secrets: [
      ...secretsOf(configured.settings, process.env),
      ...(await storedSecrets(configured.settings, process.env)),
    ],
    describe: (outcome) => describeOutcome(outcome, { source, label: name, folder, untrusted, denied: uses.denied }),
    close: () => uses.close(),
  };
}

/** How a script ended, as `run` says it. */
function describeOutcome(
  { error, unhandledErrors = [], pending: work, sources, end, exitCode }: ScriptOutcome,
  script: Pick<ErrorContext, "source" | "label" | "folder" | "untrusted" | "denied">,
): string {
  const pending = error?.code === "ERR_LIMIT_WALL" && work !== undefined ? describePending(work) : "";
  const context = { ...script, file: script.label, sources, pending, colors: false };
  const errors = [...(error === undefined || error === unhandledErrors[0] ? [] : [error]), ...unhandledErrors];
  const texts = new Set(errors.map((one) => new ErrorReport(one, context).toText()));
  if (texts.size > 0) return [...texts].join("\n");
  return end === "exit" ? `it called process.exit(${exitCode})` : "";
}

const refuse: ApproveCall = () => false;

function readSource(script: string): string {
  let source: string | undefined;
  let reason = "there is no such file";
  try {
    source = readRegularFile(script, { maxBytes: MAX_BYTES });
  } catch (error) {
    reason = reasonOf(error);
  }
  // The mark of its byte order does not belong to a text.
  if (source !== undefined) return source.replace(/^\uFEFF/, "");
  throw new GeppettoError("ConfigError", `Cannot test ${shortPath(script)}: ${reason}`, { code: "ERR_TEST_PATH" });
}

function openUses(script: string, warn: (text: string) => void): PermissionLog {
  return new PermissionLog({ file: process.env["GEPPETTO_AUDIT"], runId: randomUUID(), script, warn });
}
