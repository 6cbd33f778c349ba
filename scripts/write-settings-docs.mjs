// Writes the tables of docs/configuration.md from the table of settings: node scripts/write-settings-docs.mjs. With --check it
// writes nothing, and exits with 1 where the tables differ.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { readerOf } from "../src/config/setting-kinds.ts";
import { flagVariable, settingVariable, SETTING_BY_PATH } from "../src/config/table/names.ts";
import { OTHER_VARIABLES, RUN_OPTIONS } from "../src/config/table/run-options.ts";

const file = join(dirname(dirname(fileURLToPath(import.meta.url))), "docs/configuration.md");
const ALONE = "Without a section";

const before = readFileSync(file, "utf8");
const written = put(put(before, "settings", settingTables()), "flags", flagTable());
const after = await format(written, { ...(await resolveConfig(file)), parser: "markdown" });
if (!process.argv.includes("--check")) writeFileSync(file, after);
else if (after !== before) {
  console.log("docs/configuration.md differs from the table of settings: run node scripts/write-settings-docs.mjs");
  process.exitCode = 1;
}

/** The text with these lines between the comments that name them. */
function put(text, name, lines) {
  const between = new RegExp(`(<!-- ${name}: .* -->\n)[^]*?(<!-- end of ${name} -->)`);
  if (!between.test(text)) throw new Error(`Cannot write the ${name}: docs/configuration.md has no place for them`);
  return text.replace(between, (_, start, end) => `${start}\n${lines.join("\n")}\n\n${end}`);
}

function settingTables() {
  const sections = Map.groupBy(SETTING_BY_PATH.keys(), (path) => (path.includes(".") ? path.split(".")[0] : ALONE));
  return [...sections].flatMap(([section, paths]) => [
    `### ${section === ALONE ? ALONE : `\`${section}\``}`,
    "",
    ...table(["Setting", "Takes", "Default", "Flag and variables", "Meaning"], paths.map(settingRow)),
    "",
  ]);
}

function settingRow(path) {
  const setting = SETTING_BY_PATH.get(path);
  const { flag, help, hostOnly, kind, default: usual } = setting;
  const names = [flag?.name, flag && flagVariable(flag), settingVariable(path)].filter((name) => name !== undefined);
  return [
    code(path.split(".").at(-1)),
    typeof kind === "string" ? readerOf(setting).expects : kind.map(code).join(", "),
    usual === undefined ? shownDefault(setting) : code(usual),
    [...new Set(names)].map(code).join(", "),
    hostOnly ? `${help}; not for a script's options` : help,
  ];
}

/** What holds where nothing is said: a value, or words. */
function shownDefault(setting) {
  const { implied = "" } = setting;
  return implied !== "" && readerOf(setting).read(implied) !== undefined ? code(implied) : implied;
}

function flagTable() {
  const options = Object.values(RUN_OPTIONS).map(({ flag, help, flagOnly }) => [
    [flag.short, `${flag.name}${flag.takes === undefined ? "" : ` ${flag.takes}`}`]
      .filter(Boolean)
      .map(code)
      .join(", "),
    flagOnly ? "" : code(flagVariable(flag)),
    help,
  ]);
  const others = Object.entries(OTHER_VARIABLES).map(([name, help]) => ["", code(name), help]);
  return table(["Flag", "Variable", "Meaning"], [...options, ...others]);
}

function table(heads, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)];
}

function code(text) {
  return `\`${text}\``;
}
