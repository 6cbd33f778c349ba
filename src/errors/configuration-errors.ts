import { EXIT } from "./exit-codes.ts";
import type { ErrorEntry } from "./error-entry.ts";

/** What goes wrong with settings, files and keys, and with the options of a host app. */
export const configurationErrors = {
  ERR_CONFIG: {
    name: "ConfigError",
    meaning: "A setting, or an option of a host app, cannot be used.",
    advice: "The message says which, where it was said, and what is expected.",
    exit: EXIT.config,
  },
  ERR_CONFIG_KEY: {
    name: "ConfigError",
    meaning: "A setting, or a `GEPPETTO_…` variable, does not exist.",
    advice: "The message suggests the nearest name. See docs/configuration.md for all settings and variables.",
    exit: EXIT.config,
  },
  ERR_CONFIG_VALUE: {
    name: "ConfigError",
    meaning: "A setting has a value of the wrong kind.",
    advice: "The message says what is expected, with file, line and column.",
    exit: EXIT.config,
  },
  ERR_CONFIG_SECRET: {
    name: "ConfigError",
    meaning: "A script sends a secret that the configuration names and that is not there.",
    advice: "Set the variable, or store the key with `geppetto-js keys set NAME`.",
    exit: EXIT.config,
  },
  ERR_CONFIG_PROFILE: {
    name: "ConfigError",
    meaning: "A profile does not exist.",
    advice: "`geppetto-js profiles list` shows the profiles.",
    exit: EXIT.config,
  },
  ERR_INSPECT: {
    name: "ConfigError",
    meaning:
      "`--inspect` was asked for. No debugger can be attached to a script: the inspector of its isolate ends the process on Node 26.",
    advice:
      "Use `console.log` or `--watch`, and `--trace` or `geppetto-js runs trace last` for a page to step through a run.",
    exit: EXIT.config,
  },
  ERR_CONFIG_CYCLE: {
    name: "ConfigError",
    meaning: "A profile extends itself, directly or through others.",
    advice: "Take one `extends` out of the chain that the message shows.",
    exit: EXIT.config,
  },
  ERR_CONFIG_FILE: {
    name: "ConfigError",
    meaning: "A configuration file is not a regular file, is larger than 64 kB, or cannot be read.",
    advice: "Check the file that the message names.",
    exit: EXIT.config,
  },
  ERR_CONFIG_YAML: {
    name: "ConfigError",
    meaning: "A configuration file is not YAML.",
    advice: "Look at the line and column that the message names.",
    exit: EXIT.config,
  },
  ERR_CONFIG_SCRIPT: {
    name: "ConfigError",
    meaning: "`export const options` of a script is not a literal, or sets what only the user may set.",
    advice: "Write the values out, without names and calls. Keys, addresses and prices belong into `geppetto.yaml`.",
    exit: EXIT.config,
  },
  ERR_CONFIG_IMPORT: {
    name: "ConfigError",
    meaning: "`profiles import` got a file that does not hold profiles of Go geppetto.",
    advice: "Give it the YAML file in which Go geppetto keeps its profiles.",
    exit: EXIT.config,
  },
  ERR_CONFIG_TRUST: {
    name: "ConfigError",
    meaning:
      "A `geppetto.yaml` that you have not trusted would send a key of yours somewhere, or the list of trusted folders cannot be used.",
    advice:
      "Read the file. If it may do that, run `geppetto-js trust .`; or put the setting into your own `config.yaml`.",
    exit: EXIT.config,
  },
  ERR_TEST_PATH: {
    name: "ConfigError",
    meaning: "What is to be tested is not there, or is not a script.",
    advice: "Name scripts, or folders that hold them.",
    exit: EXIT.noFile,
  },
  ERR_GOLDEN: {
    name: "ConfigError",
    meaning: "A `.golden` file cannot be used: it is not UTF-8, too large, or not a regular file.",
    advice: "Save it as UTF-8, or have `geppetto-js test -u` make it anew.",
    exit: EXIT.config,
  },
  ERR_KEYS: {
    name: "ConfigError",
    meaning: "The keys file cannot be read or written, or the name or text of a key cannot be stored.",
    advice: "Check the file's rights. A name has 1 to 64 letters, digits, `_`, `-` and `.`; a key is one word.",
    exit: EXIT.config,
  },
} satisfies Record<string, ErrorEntry>;
