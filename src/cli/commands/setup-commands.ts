/** What the commands of setup-options.ts do; in one piece, so that what they share with scripts is one as well. */
export { doctorCommand } from "./doctor-command.ts";
export { importCommand } from "./import-command.ts";
export { listKeys, removeKey, setKey } from "./keys-command.ts";
export { listProfiles, showProfile } from "./profiles-command.ts";
export { typesCommand } from "./types-command.ts";
export { trustCommand } from "./trust-command.ts";
