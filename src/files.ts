/** What the command line needs of files and of terminals; not a part of the package's interface. */
export { ScriptTokens, TokenError, type ScriptToken } from "./config/script/script-tokens.ts";
export { escapeControls } from "./base/escape-controls.ts";
export { openPrivateFile, writeWhole } from "./base/open-private-file.ts";
export { readRegularFile } from "./base/read-regular-file.ts";
export { reasonOf } from "./base/reason-of.ts";
export { replaceFile } from "./base/replace-file.ts";
export { ownCacheFolder } from "./base/user-cache-folder.ts";
export { textWidth } from "./shared/text-width.ts";
