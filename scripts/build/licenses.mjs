// The licences of packages whose code stands in files of dist/: they ask to be kept with it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A plugin that notes in `packages` where each package lies of which a bundle takes code. */
export function notePackages(packages) {
  return {
    name: "note packages",
    setup({ initialOptions, onEnd }) {
      initialOptions.metafile = true;
      onEnd(({ metafile }) => {
        for (const file of Object.keys(metafile?.inputs ?? {})) {
          const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
          if (folder !== undefined) packages.add(folder);
        }
      });
    },
  };
}

/** Writes dist/third-party-licenses.txt. */
export function writeLicenses(root, packages) {
  const texts = Array.from(packages)
    .sort((one, other) => (one < other ? -1 : 1))
    .map((folder) => {
      const about = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
      const license = about.license ?? about.licenses.map(({ type }) => type).join(", ");
      const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file === undefined ? "" : `\n${readFileSync(join(root, folder, file), "utf8").trim()}\n`;
      return `${about.name} ${about.version} (${license})\n${text}`;
    });
  writeFileSync(join(root, "dist/third-party-licenses.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
}
