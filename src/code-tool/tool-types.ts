import type { Definition } from "../engine/vm.ts";
import type { CodeProblem } from "./code-result.ts";
import { insteadOf } from "./mend-hint.ts";
import type { ToolCatalogue } from "./tool-catalogue.ts";

const FINDERS = `declare function searchTools(words: string): Promise<{ name: string; declaration: string; description: string }[]>;
declare function describeTool(name: string): Promise<{ name: string; declaration: string; description: string; input: any }>;
declare function describeTool(names: string[]): Promise<string[]>;`;

/** The types of what a model's code may use beside the globals of scripts. */
export class ToolTypes {
  readonly #catalogue: ToolCatalogue;
  readonly #given: string;
  readonly #names: readonly string[];

  /** @param given declarations of the host's */
  constructor(catalogue: ToolCatalogue, given: string) {
    this.#catalogue = catalogue;
    this.#given = given.trim();
    const declared = given.matchAll(/^\s*declare (?:const|let|var|function|class|namespace) ([\w$]+)/gm);
    this.#names = Array.from(declared, ([, name]) => name!);
  }

  /** All of them, as one ambient file. */
  declarations(): string {
    const own = this.#catalogue.declarations;
    return [this.#given, ...(own === "" ? [] : [own, FINDERS])].filter((text) => text !== "").join("\n");
  }

  /** The same with what the setup functions have defined, which may be anything where nobody has declared it. */
  forCheck(definitions: readonly Definition[]): { declarations: string; names: string[] } {
    const known = new Set([...this.#names, "tools", "searchTools", "describeTool"]);
    const open = new Set(definitions.map(({ name }) => name.split(".")[0]!).filter((name) => !known.has(name)));
    const loose = [...open].map((name) => `declare const ${name}: any;`);
    return { declarations: [this.declarations(), ...loose].join("\n"), names: [...known] };
  }

  /** The problem with what a model should write instead. */
  withHint(problem: CodeProblem): CodeProblem {
    const { hint, ...rest } = problem;
    const [, name = ""] = /^Cannot find name '([^']+)'/.exec(problem.message) ?? [];
    const own = insteadOf(name, { tools: [...this.#catalogue.entries.keys()] }) ?? hint;
    return own === undefined || /--\w|geppetto\.yaml/.test(own) ? rest : { ...rest, hint: own };
  }
}
