/** What the command line reads its options with: little enough that help is there at once. Not a part of the package's interface. */
export { parseMoment } from "./base/time/parse-moment.ts";
export { checkEnvironment } from "./config/environment.ts";
export { checkSetting } from "./config/read-settings.ts";
export { flagVariable, RUN_OPTION_BY_KEY, SETTING_BY_PATH } from "./config/table/names.ts";
export { OTHER_VARIABLES } from "./config/table/run-options.ts";
export { FLAG_GROUPS, type Flag, type FlagGroup, type RunOption, type Setting } from "./config/table/setting.ts";
export { VENDOR_VARIABLES } from "./providers/vendors.ts";
export { GeppettoError } from "./shared/errors.ts";
