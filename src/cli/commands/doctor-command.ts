import { styleText } from "node:util";
import { type Check, type Config, checkConfig, checkLeftOvers, checkTrust } from "../../config.ts";
import { checkInstallation, checkOnline } from "./doctor-checks.ts";
import { EXIT } from "../output/exit-codes.ts";
import { loadSettings } from "../options/load-settings.ts";
import { printLines } from "../output/print-table.ts";
import type { ModelOptions } from "../options/script-options.ts";
import { wantsColors } from "../output/terminal.ts";
import { toJson } from "../output/to-json.ts";
import { UsageError } from "../options/usage-error.ts";

export interface DoctorOptions extends ModelOptions {
  online?: true;
  json?: true;
}

/** `geppetto-js doctor`: what is as it should be and what is not. Asks no server without `--online`. */
export async function doctorCommand({ online, json, ...given }: DoctorOptions): Promise<void> {
  const { checks: configured, config } = await checkConfiguration(given);
  const installed = await checkInstallation();
  const asked = online && config !== undefined ? [await checkOnline(config.settings.chat)] : [];
  const kept = [...checkTrust(process.cwd(), process.env), ...(await checkLeftOvers(process.env))];
  const checks = [...configured, ...kept, ...installed, ...asked];
  const failed = (some: readonly Check[]): boolean => some.some(({ status }) => status === "error");
  const isWell = !failed(checks);
  if (json) printLines([toJson({ ok: isWell, checks })]);
  else printLines(checks.flatMap(describe));
  process.exitCode = isWell ? EXIT.ok : failed([...configured, ...kept]) ? EXIT.config : EXIT.uncaught;
}

async function checkConfiguration(given: ModelOptions): Promise<{ checks: Check[]; config?: Config }> {
  try {
    const config = await loadSettings(given);
    return { checks: await checkConfig(config, process.env), config };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { checks: [{ name: "configuration", status: "error", detail: error.message, hint: "" }] };
  }
}

const NAME_WIDTH = 14;
const STYLES = { ok: "green", warning: "yellow", error: "red" } as const;

function describe({ name, status, detail, hint }: Check): string[] {
  const isColored = wantsColors(process.stdout, process.env);
  const mark = status.padEnd(7);
  const shown = isColored ? styleText(STYLES[status], mark, { validateStream: false }) : mark;
  const lines = [`${shown}  ${name.padEnd(NAME_WIDTH)}  ${detail}`];
  return hint === "" ? lines : [...lines, `${" ".repeat(NAME_WIDTH + 11)}hint: ${hint}`];
}
