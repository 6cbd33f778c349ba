/** What the command line needs of files, of terminals, of secrets, of the guest's process, and of the compiler of types; not a part of the package's interface. */
export { ScriptTokens, TokenError, type ScriptToken } from "./config/script/script-tokens.ts";
export { escapeControls } from "./base/escape-controls.ts";
export { isFileName, NOT_A_FILE_NAME, requireFileName } from "./base/files/file-name.ts";
export { looksBinary, NOT_TEXT } from "./base/files/looks-binary.ts";
export { makeFolder } from "./base/files/make-folder.ts";
export { namedFolder, userHome } from "./base/files/user-home.ts";
export { openPrivateFile, writeWhole } from "./base/open-private-file.ts";
export { readRegularFile } from "./base/read-regular-file.ts";
export { SECRET_NAMES } from "./base/redacted.ts";
export { isObject } from "./shared/is-object.ts";
export { plainJson } from "./shared/values/plain-json.ts";
export { secretsOfServers } from "./mcp/server-settings.ts";
export { reasonOf } from "./base/reason-of.ts";
export { replaceFile } from "./base/replace-file.ts";
export { ownCacheFolder } from "./base/user-cache-folder.ts";
export { startProcess } from "./base/start-process.ts";
export { Permissions } from "./permissions/permissions.ts";
export { prestart, spareChildren, useSpares, type SpareChildren } from "./sandbox/child.ts";
export { globalTypeFiles } from "./type-check/global-type-files.ts";
export {
  isRecent,
  OLDEST_TYPESCRIPT,
  ownTypeScript,
  readPackage,
  type TypeScript,
} from "./type-check/own-typescript.ts";
export { type Diagnostic, parseDiagnostics } from "./type-check/parse-diagnostics.ts";
export { lastExpression } from "./modules/session/last-expression.ts";
export { runTypeScript } from "./type-check/run-typescript.ts";
export { SCRIPT_COMPILER_OPTIONS } from "./type-check/script-compiler-options.ts";
