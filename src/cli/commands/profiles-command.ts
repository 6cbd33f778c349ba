import { describeProfiles, describeSettings } from "../../config.ts";
import { loadSettings } from "../options/load-settings.ts";
import { printLines, printNotes, printTable } from "../output/print-table.ts";
import { toJson } from "../output/to-json.ts";

/** `geppetto-js profiles list` */
export async function listProfiles({ json }: { json?: true }): Promise<void> {
  const config = await loadSettings({}, undefined, { isForShow: true });
  const profiles = describeProfiles(config);
  if (json) {
    printLines([toJson(profiles)]);
    return;
  }
  printNotes(config.warnings);
  if (profiles.length === 0) {
    process.stderr.write(
      "there are no profiles; write some into ./geppetto.yaml or ~/.config/geppetto-js/config.yaml\n",
    );
  }
  printTable(
    profiles.map(({ name, isCurrent, file, extends: bases, description }) => [
      isCurrent ? "*" : " ",
      name,
      file,
      [bases.length > 0 ? `extends ${bases.join(", ")}` : "", description].filter(Boolean).join("; "),
    ]),
  );
}

/** `geppetto-js profiles show [name]` */
export async function showProfile(
  name: string | undefined,
  { origin: withOrigin, json }: { origin?: true; json?: true },
): Promise<void> {
  const config = await loadSettings(name === undefined ? {} : { profile: name }, undefined, { isForShow: true });
  const settings = describeSettings(config);
  if (json) {
    printLines([toJson({ profile: config.profile ?? null, settings })]);
    return;
  }
  printNotes(config.warnings);
  printTable(settings.map(({ path, value, origin }) => [path, value, ...(withOrigin ? [origin] : [])]));
}
