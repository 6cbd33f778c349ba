// Writes the tables of docs/configuration.md and docs/cli.md from the table of settings and options:
// node scripts/write-settings-docs.mjs. With --check it writes nothing, and exits with 1 where the tables differ.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { format } from "oxfmt";
import { readerOf } from "../src/config/setting-kinds.ts";
import { flagVariable, RUN_OPTION_BY_KEY, settingVariable, SETTING_BY_PATH } from "../src/config/table/names.ts";
import { OTHER_VARIABLES } from "../src/config/table/run-options.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const SECTION = "settings of ";
const GROUPS = "options of ";
/** Who may say a setting, where that is not everybody. */
const WHO = {
  folder: "not for a script's options",
  user: "not for a script's options, nor a folder that you do not trust",
};
/** Stands for the settings that are not in a section. */
const ALONE = "no section";

for (const file of ["docs/configuration.md", "docs/cli.md"]) await write(file);

async function write(file) {
  const path = join(root, file);
  const before = readFileSync(path, "utf8");
  const written = before.replace(
    /(<!-- table: (.*?); written by scripts\/write-settings-docs\.mjs -->\n)[^]*?(<!-- end of table -->)/g,
    (_, start, name, end) => `${start}\n${tableOf(name).join("\n")}\n\n${end}`,
  );
  const { code: after } = await format(path, written, { printWidth: 120 });
  if (!process.argv.includes("--check")) writeFileSync(path, after);
  else if (after !== before) {
    console.log(`${file} differs from the table of settings: run node scripts/write-settings-docs.mjs`);
    process.exitCode = 1;
  }
}

/** What a document asks for: "settings of limits", "options of Permissions, Isolation", "other variables". */
function tableOf(name) {
  if (name.startsWith(SECTION)) return sectionTable(name.slice(SECTION.length));
  if (name.startsWith(GROUPS)) return groupTable(name.slice(GROUPS.length).split(", "));
  const rows = Object.entries(OTHER_VARIABLES).map(([variable, help]) => [code(variable), help]);
  return table(["Variable", "Meaning"], rows);
}

function sectionTable(section) {
  const settings = [...SETTING_BY_PATH].filter(([path]) =>
    section === ALONE ? !path.includes(".") : path.startsWith(`${section}.`),
  );
  return table(
    ["Setting", "Takes", "Default", "Flag and variables", "Meaning"],
    settings.map(([path, setting]) => {
      const { flag, help, saidBy, kind } = setting;
      const names = [flag?.name, flag && flagVariable(flag), settingVariable(path)];
      return [
        code(section === ALONE ? path : path.slice(section.length + 1)),
        typeof kind === "string" ? readerOf(setting).expects : kind.map(code).join(", "),
        defaultOf(setting),
        [...new Set(names)].filter(Boolean).map(code).join(", "),
        saidBy === undefined ? help : `${help}; ${WHO[saidBy]}`,
      ];
    }),
  );
}

function groupTable(groups) {
  const options = groups.flatMap((group) =>
    [...SETTING_BY_PATH.values(), ...RUN_OPTION_BY_KEY.values()].filter(({ flag }) => flag?.group === group),
  );
  const rows = options.map((option) => {
    const { name, short, takes } = option.flag;
    const syntax = [short, takes?.startsWith("[") ? `${name}${takes.replace("[", "[=")}` : name];
    return [
      code(`${syntax.filter(Boolean).join(", ")}${takes?.startsWith("<") ? ` ${takes}` : ""}`),
      option.flagOnly ? "" : code(flagVariable(option.flag)),
      option.help,
      defaultOf(option),
    ];
  });
  const heads = ["Option", "Variable", "Meaning", "Default"];
  // Most groups have no defaults.
  return rows.some((row) => row[3] !== "")
    ? table(heads, rows)
    : table(
        heads.slice(0, 3),
        rows.map((row) => row.slice(0, 3)),
      );
}

/** What holds where nothing is said: a value, or words. */
function defaultOf(option) {
  const { default: usual = option.implied ?? "" } = option;
  return usual !== "" && readerOf(option).read(usual) !== undefined ? code(usual) : usual;
}

function table(heads, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)];
}

function code(text) {
  return `\`${text}\``;
}
