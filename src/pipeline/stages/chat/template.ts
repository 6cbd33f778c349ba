import { GeppettoError } from "../../../shared/errors.ts";

/** What may stand for a variable. */
export type VariableValue = string | number | boolean;
export type Variables = Readonly<Record<string, VariableValue | undefined>>;

type Piece = { text: string } | { name: string };

const PIECES = /\\\{\{|\{\{([^{}]*)\}\}|\{\{/g;
const NAME = /^[\p{L}_][\p{L}\p{N}_.-]*$/u;

/**
 * A text with places for variables, `{{name}}`. There is no code in it: a value is put in once, as it is, and is not read
 * again. `\{{` stands for two braces.
 */
export class Template {
  readonly #pieces: Piece[] = [];

  /** @throws {GeppettoError} ConfigError for a place that is not closed or whose name is not valid; `what` names the template. */
  constructor(text: string, what: string) {
    if (typeof text !== "string") throw refused(what, `it must be a text, got ${typeof text}`);
    let end = 0;
    for (const match of text.matchAll(PIECES)) {
      this.#addText(text.slice(end, match.index));
      end = match.index + match[0].length;
      if (match[0].startsWith("\\")) this.#addText("{{");
      else if (match[1] === undefined)
        throw refused(what, `"{{" at ${match.index} is not closed; write \\{{ for braces`);
      else this.#addPlace(match[1].trim(), what);
    }
    this.#addText(text.slice(end));
  }

  /** The names of its variables, each once. */
  get names(): string[] {
    return [...new Set(this.#pieces.flatMap((piece) => ("name" in piece ? [piece.name] : [])))];
  }

  /** The text with the values of `find`, which knows all {@link names}. */
  render(find: (name: string) => VariableValue): string {
    return this.#pieces.map((piece) => ("name" in piece ? String(find(piece.name)) : piece.text)).join("");
  }

  #addText(text: string): void {
    if (text !== "") this.#pieces.push({ text });
  }

  #addPlace(name: string, what: string): void {
    if (!NAME.test(name))
      throw refused(what, `{{${name}}} does not name a variable: a name has letters, digits, _, . and -`);
    this.#pieces.push({ name });
  }
}

function refused(what: string, why: string): GeppettoError {
  return new GeppettoError("ConfigError", `Cannot use ${what}: ${why}`, { code: "ERR_TEMPLATE" });
}
