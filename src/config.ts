/** Profiles, keys and settings from files; an entry of its own, for hosts that have a use for them. */
export {
  type Check,
  checkConfig,
  type DescribedProfile,
  type DescribedSetting,
  describeProfiles,
  describeSettings,
} from "./config/describe-config.ts";
export { checkLeftOvers } from "./config/trust/check-left-overs.ts";
export { checkTrust, settingsToTrust, type TrustedSetting } from "./config/trust/describe-trust.ts";
export { type ImportedProfiles, importProfiles } from "./config/import-profiles.ts";
export { KeyStore } from "./config/key-store.ts";
export { checkSetting } from "./config/read-settings.ts";
export { readScriptOptions, type ScriptOptionsLiteral } from "./config/script/script-options-literal.ts";
export {
  type Config,
  loadConfig,
  type LoadConfigOptions,
  readFolderFile,
  userConfigFolder,
  userKeyStore,
  userTrustStore,
} from "./config/load-config.ts";
export { TrustStore, type TrustState } from "./config/trust/trust-store.ts";
export { checkEnvironment } from "./config/environment.ts";
export { mcpServerValues, type McpServerValue, referencesOf } from "./config/mcp-servers.ts";
export { secretValues, type SecretValue } from "./config/secret-values.ts";
export type { Settings } from "./config/settings.ts";
export { Distribution } from "./config/thresholds/distribution.ts";
export { judgeThresholds, type JudgedThreshold, type Measured } from "./config/thresholds/judge-thresholds.ts";
export { completeSettings } from "./config/to-settings.ts";
export { flagVariable, RUN_OPTION_BY_KEY, SETTING_BY_PATH } from "./config/table/names.ts";
export { OTHER_VARIABLES, type RunFlags, UNTRUSTED_LIMITS, UNTRUSTED_WORDS } from "./config/table/run-options.ts";
export { FLAG_GROUPS, type Flag, type FlagGroup, type RunOption, type Setting } from "./config/table/setting.ts";
export type { FlagPath } from "./config/table/settings.ts";
export { parseYaml, type YamlFile } from "./config/yaml/yaml-file.ts";
export { closestName } from "./shared/closest-name.ts";
export { VENDOR_VARIABLES } from "./providers/vendors.ts";
