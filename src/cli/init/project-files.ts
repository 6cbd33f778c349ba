import { SCRIPT_COMPILER_OPTIONS } from "../../files.ts";
import { FIRST_SCRIPT } from "./first-script.ts";

/** Files that make sense only together: where one of them is there already, none is made. */
export interface ProjectPart {
  files: Readonly<Record<string, string>>;
  /** What they are for, as the user is told. */
  purpose: string;
  /** What the user can do where they are kept as they were. */
  advice?: string;
}

const SETTINGS = `# What the scripts of this folder run with. geppetto-js profiles show --origin says where each value comes from.
default: local
profiles:
  # The demo model inside the package: no key, no network, and no language model.
  local: { chat: { provider: embedded, model: demo } }
  base: { limits: { timeout: 60s, maxCalls: 20 } }
  # geppetto-js run -p gpt hello.js, with a key in OPENAI_API_KEY; the same with claude and ANTHROPIC_API_KEY.
  gpt: { extends: base, chat: { provider: openai, model: gpt-5-mini } }
  claude: { extends: base, chat: { provider: anthropic, model: claude-sonnet-5 } }
`;

/**
 * What a new project consists of.
 *
 * @param types the ambient types of scripts, as \`types\` prints them
 */
export function projectParts(types: string): ProjectPart[] {
  const compiler = `${JSON.stringify({ compilerOptions: SCRIPT_COMPILER_OPTIONS }, undefined, 2)}\n`;
  return [
    { files: FIRST_SCRIPT, purpose: "a first script, and its test" },
    { files: { "geppetto.yaml": SETTINGS }, purpose: "models and limits" },
    {
      files: { "geppetto.d.ts": types },
      purpose: "the types of what scripts see",
      advice: "geppetto-js types --out geppetto.d.ts makes it anew",
    },
    {
      files: { "tsconfig.json": compiler },
      purpose: "types for editors and for check",
      advice: "it has to include geppetto.d.ts, or name geppetto-js/globals in types",
    },
    { files: { ".gitignore": "node_modules/\n" }, purpose: "what git leaves out" },
  ];
}
