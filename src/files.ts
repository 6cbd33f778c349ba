/** Files of the user's that the command line reads and writes; not a part of the package's interface. */
export { ScriptTokens, TokenError, type ScriptToken } from "./config/script/script-tokens.ts";
export { escapeControls } from "./base/escape-controls.ts";
export { openPrivateFile, writeWhole } from "./base/open-private-file.ts";
export { readRegularFile } from "./base/read-regular-file.ts";
export { replaceFile } from "./base/replace-file.ts";
