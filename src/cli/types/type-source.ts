import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { readRegularFile, type ScriptToken, ScriptTokens } from "../../files.ts";

/** Larger files are not read for their types. */
const MAX_BYTES = 8_000_000;

const OPENING = new Set(["{", "(", "[", "${"]);
const CLOSING = new Set(["}", ")", "]"]);
/** What a type goes on with, or after, on another line. */
const JOINTS = new Set(["|", "&", "=", "=>", ":", "?", "<", ",", "extends", "keyof", "infer", "is", "."]);

/** Where a name of a file comes from. */
export interface ImportedName {
  /** As the import names the module. */
  from: string;
  /** Its name there; undefined for the default, and for all together. */
  name: string | undefined;
}

/** A run of tokens of a file. */
export interface Piece {
  text: string;
  tokens: readonly ScriptToken[];
}

/** The types that one file of a host app declares; of the rest it reads no more than it must. */
export class TypeSource {
  readonly path: string;
  /** Interfaces, types and enums, by name, without `export`. */
  readonly declarations = new Map<string, Piece>();
  readonly imports = new Map<string, ImportedName>();
  /** All modules that the file imports or exports from. */
  readonly modules = new Set<string>();
  /** The members of `interface HostOps`, by their names, each as it is written. */
  readonly hostOps = new Map<string, Piece>();
  readonly #text: string;
  readonly #tokens: readonly ScriptToken[];

  /** @throws {TokenError} for what is not JavaScript or TypeScript; the file system's errors. */
  constructor(path: string) {
    this.path = path;
    this.#text = readRegularFile(path, { maxBytes: MAX_BYTES }) ?? "";
    this.#tokens = new ScriptTokens(this.#text).rest();
    this.#readStatements();
  }

  /** The file that a relative import names; undefined for a package, and for what is not there. */
  resolve(specifier: string): string | undefined {
    if (!/^\.\.?\//.test(specifier)) return undefined;
    const path = join(dirname(this.path), specifier);
    const bare = path.replace(/\.([cm]?)js$/, "");
    const kind = /\.([cm])js$/.exec(path)?.[1] ?? "";
    const candidates = [
      `${bare}.${kind}ts`,
      `${bare}.d.${kind}ts`,
      path,
      join(path, "index.ts"),
      join(path, "index.d.ts"),
    ];
    return candidates.find((candidate) => /\.[cm]?[jt]s$/.test(candidate) && existsSync(candidate));
  }

  #readStatements(): void {
    for (let at = 0; at < this.#tokens.length;) {
      const token = this.#tokens[at]!;
      if (OPENING.has(token.label)) at = this.#closing(at) + 1;
      else at = this.#readStatement(at) ?? at + 1;
    }
  }

  /** Where the statement ends, if it is one that matters here. */
  #readStatement(at: number): number | undefined {
    if (this.#is(at, "import") || this.#is(at, "export")) return this.#readModule(at);
    if (this.#is(at, "interface") || this.#is(at, "enum"))
      return this.#keep(at, this.#closing(this.#find(at, "{")) + 1);
    if (this.#is(at, "type") && this.#tokens[at + 1]?.label === "name") return this.#keep(at, this.#endOfType(at + 1));
    const isOurs = this.#is(at, "module") && this.#tokens[at + 1]?.value === "geppetto-js";
    return isOurs ? this.#readAugmentation(at + 2) : undefined;
  }

  #keep(start: number, end: number): number {
    const name = this.#tokens[start + 1];
    if (name?.label === "name") this.declarations.set(String(name.value), this.#piece(start, end));
    return end;
  }

  /** The names between braces, and the module. What is exported is a statement of its own. */
  #readModule(start: number): number | undefined {
    let at = start + 1;
    if (this.#is(at, "type")) at++;
    const names = new Map<string, string | undefined>();
    if (this.#tokens[at]?.label === "name" && this.#is(start, "import"))
      names.set(String(this.#tokens[at++]!.value), undefined);
    if (this.#is(at, ",")) at++;
    if (this.#is(at, "*")) {
      if (this.#is(at + 1, "as")) names.set(String(this.#tokens[at + 2]?.value), undefined);
      at = this.#find(at, "from");
    } else if (this.#is(at, "{")) {
      const end = this.#closing(at);
      for (const [own, theirs] of this.#namesBetween(at + 1, end)) names.set(own, theirs);
      at = end + 1;
    }
    if (this.#is(at, "from")) at++;
    const from = this.#tokens[at];
    if (from?.label !== "string") return undefined;
    this.modules.add(String(from.value));
    for (const [own, name] of names) this.imports.set(own, { from: String(from.value), name });
    return at + 1;
  }

  *#namesBetween(start: number, end: number): Iterable<[own: string, theirs: string]> {
    for (let at = start; at < end; at++) {
      if (this.#is(at, "type") && !this.#is(at + 1, ",") && at + 1 < end && !this.#is(at + 1, "as")) at++;
      const name = String(this.#tokens[at]!.value);
      if (this.#is(at + 1, "as")) at += 2;
      yield [String(this.#tokens[at]!.value), name];
      if (this.#is(at + 1, ",")) at++;
    }
  }

  /** Inside of `declare module "geppetto-js"`. */
  #readAugmentation(open: number): number {
    const end = this.#closing(open);
    for (let at = open + 1; at < end; at++) {
      if (!this.#is(at, "interface") || !this.#is(at + 1, "HostOps")) continue;
      const body = this.#find(at, "{");
      const last = this.#closing(body);
      for (let member = body + 1; member < last;) {
        const next = Math.min(this.#endOfType(member), last);
        const key = this.#tokens[member]!;
        if (key.label === "name" || key.label === "string")
          this.hostOps.set(String(key.value), this.#piece(member, next));
        member = next + (this.#is(next, ";") || this.#is(next, ",") ? 1 : 0);
      }
      at = last;
    }
    return end + 1;
  }

  /** The first token that is not the type's any more: a semicolon, or where another line begins something new. */
  #endOfType(start: number): number {
    let at = start;
    for (let angles = 0; at < this.#tokens.length; at++) {
      const { label, value, hasBreak } = this.#tokens[at]!;
      if (CLOSING.has(label) || label === ";" || (label === "," && angles <= 0)) return at;
      if (at > start && hasBreak && !this.#isJoint(at) && !this.#isJoint(at - 1)) return at;
      if (label === "</>/<=/>=") angles += value === "<" ? 1 : -1;
      if (label === "<</>>/>>>") angles -= String(value).length;
      if (OPENING.has(label)) at = this.#closing(at);
    }
    return at;
  }

  #isJoint(at: number): boolean {
    const { label, value } = this.#tokens[at]!;
    return JOINTS.has(label) || JOINTS.has(String(value));
  }

  #piece(start: number, end: number): Piece {
    const tokens = this.#tokens.slice(start, end);
    return { text: this.#text.slice(tokens[0]!.start, tokens.at(-1)!.end), tokens };
  }

  #is(at: number, text: string): boolean {
    const token = this.#tokens[at];
    return token !== undefined && (token.label === text || token.value === text) && token.label !== "string";
  }

  #find(start: number, text: string): number {
    let at = start;
    while (at < this.#tokens.length && !this.#is(at, text)) at++;
    return at;
  }

  /** The bracket that closes this one; the end where there is none. */
  #closing(open: number): number {
    let depth = 0;
    for (let at = open; at < this.#tokens.length; at++) {
      const { label } = this.#tokens[at]!;
      if (OPENING.has(label)) depth++;
      else if (CLOSING.has(label) && --depth === 0) return at;
    }
    return this.#tokens.length - 1;
  }
}
