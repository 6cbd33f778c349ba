/** Files of the user's that the command line reads and writes; not a part of the package's interface. */
export { escapeControls } from "./base/escape-controls.ts";
export { openPrivateFile, writeWhole } from "./base/open-private-file.ts";
export { cacheFolder } from "./base/cache-folder.ts";
export { readRegularFile } from "./base/read-regular-file.ts";
export { replaceFile } from "./base/replace-file.ts";
