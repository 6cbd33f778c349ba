import type {
  AnyNode,
  Expression,
  ModuleDeclaration,
  Program,
  ReturnStatement,
  Statement,
  VariableDeclaration,
} from "acorn";
import type { SessionNameKind } from "../../shared/contract/sessions.ts";
import type { Edit, Piece } from "./code-edits.ts";
import { namesOf } from "./declared-names.ts";
import { CodeError } from "./parse-code.ts";
import { walkCode } from "./walk-code.ts";

/** What stands before a value that is exported; its brackets, if it has some, come after that. */
const DEFAULT_EXPORT = /^export(?:\s|\/\*[^]*?\*\/|\/\/[^\n\r\u2028\u2029]*)+default/;

/** Code that can be evaluated in the global scope time and again. */
export interface Rewritten {
  isAsync: boolean;
  /** As in a plan. */
  names: string;
  edits: Edit[];
  pieces: Piece[];
  /** The declarations of what it imports, and the modules that it may ask for by name while it runs. */
  imports: { declarations: { start: number; end: number; names: string[] }[]; asked: string[] };
}

/** The hidden function of the guest that each round of a loop calls: by it the host interrupts one that does not end. */
const TICK = "geppettoTick();";
/** The hidden function of the guest that stands for `import(…)`, and has `import.meta` as its `meta`. */
export const IMPORT = "geppettoImport";

type TopLevel = Statement | ModuleDeclaration;
/** What is imported is bound by the module that imports it. */
type Kind = SessionNameKind | "import";

/**
 * What to change of a session's code so that what it declares lives on as properties of the global object: declarations
 * become assignments. Code that awaits or returns becomes an asynchronous function, but for the functions that it declares.
 *
 * @throws {CodeError} for what V8 would refuse, and for what no session can do.
 */
export function rewriteCode(code: string, program: Program): Rewritten {
  return new Rewriting(code, program).rewrite();
}

const LOOPS: ReadonlySet<string> = new Set([
  "ForStatement",
  "ForInStatement",
  "ForOfStatement",
  "WhileStatement",
  "DoWhileStatement",
]);
type LoopNode = { start: number; body: Statement };

class Rewriting {
  readonly #code: string;
  readonly #program: Program;
  readonly #edits: Edit[] = [];
  readonly #names = new Map<string, Kind>();
  readonly #declarations: Rewritten["imports"]["declarations"] = [];
  readonly #asked = new Set<string>();
  readonly #functions: { start: number; end: number }[] = [];
  readonly #isAsync: boolean;

  constructor(code: string, program: Program) {
    this.#code = code;
    this.#program = program;
    this.#isAsync = isFunctionBody(program);
  }

  rewrite(): Rewritten {
    const { body } = this.#program;
    walkCode(this.#program, (node, isInFunction, parent) => this.#lookInside(node, isInFunction, parent));
    // These are bound before all else, and have no value.
    const last = body.findLast(({ type }) => type !== "FunctionDeclaration" && type !== "EmptyStatement");
    for (const statement of body) this.#rewriteStatement(statement, statement === last);
    return {
      isAsync: this.#isAsync,
      names: [...this.#names].flatMap(([name, kind]) => (kind === "import" ? [] : [`${kind} ${name}\n`])).join(""),
      edits: this.#edits,
      pieces: this.#isAsync ? this.#asFunction() : [{ start: 0, end: this.#code.length }],
      imports: { declarations: this.#declarations, asked: [...this.#asked] },
    };
  }

  /** Functions stay in the global scope; the rest becomes an asynchronous function, which is the value. */
  #asFunction(): Piece[] {
    const rest: Piece[] = [];
    let from = 0;
    for (const { start, end } of this.#functions) {
      rest.push({ start: from, end: start });
      from = end;
    }
    rest.push({ start: from, end: this.#code.length });
    const functions = this.#functions.flatMap((part) => [{ ...part, isStrict: true }, "\n"]);
    return [...functions, "(async () => {\n", ...rest, "\n})"];
  }

  #replace(start: number, end: number, text: string): void {
    this.#edits.push({ start, end, text });
  }

  #insert(at: number, text: string): void {
    this.#replace(at, at, text);
  }

  /** Puts in what ends something that began at `opened`. */
  #close(at: number, text: string, opened: number): void {
    this.#edits.push({ start: at, end: at, text, opened });
  }

  /** Declares a name for what runs later. */
  #declare(name: string, kind: Kind, start: number): void {
    const before = this.#names.get(name);
    const isLexical = (known: Kind): boolean => known !== "var" && known !== "function";
    if (before !== undefined && (isLexical(before) || isLexical(kind))) {
      throw new CodeError(`Identifier '${name}' has already been declared`, start);
    }
    if (before !== "function") this.#names.set(name, kind);
  }

  #declareAll({ kind, declarations }: VariableDeclaration): void {
    for (const { id, init } of declarations) {
      for (const { name, start } of namesOf(id)) {
        if (kind === "var") this.#declare(name, "var", start);
        else this.#declare(name, kind === "const" ? "const" : init ? "let" : "undefined", start);
      }
    }
  }

  /** What stands anywhere in the code. */
  #lookInside(node: AnyNode, isInFunction: boolean, parent: AnyNode): void {
    if (node.type === "ImportExpression") {
      this.#replace(node.start, node.start + "import".length, IMPORT);
      const asked = textOf(node.source);
      if (asked !== undefined) this.#asked.add(asked);
    } else if (node.type === "MetaProperty" && node.meta.name === "import") {
      this.#replace(node.start, node.end, `${IMPORT}.meta`);
    } else if (
      node.type === "VariableDeclaration" &&
      node.kind === "var" &&
      !isInFunction &&
      parent.type !== "Program"
    ) {
      // It belongs to the whole, wherever it stands.
      if (parent.type === "ExportNamedDeclaration") return;
      this.#declareAll(node);
      if (this.#isAsync) this.#toAssignment(node, parent);
    } else if (LOOPS.has(node.type)) this.#watchLoop(node as LoopNode);
    else if (node.type === "ReturnStatement" && !isInFunction && node.argument) this.#rewriteReturn(node);
  }

  /** What the code returns is its value. */
  #rewriteReturn({ start, end }: ReturnStatement): void {
    this.#replace(start, start + "return".length, "return{__proto__:null,value:(");
    this.#close(this.#endOfValue(end), "\n)}", start);
  }

  /** Where the value ends that a statement ends with: brackets around it do not belong to its node. */
  #endOfValue(end: number): number {
    return this.#code[end - 1] === ";" ? end - 1 : end;
  }

  #watchLoop({ start, body }: LoopNode): void {
    if (body.type === "BlockStatement") this.#insert(body.start + 1, TICK);
    else {
      this.#insert(body.start, `{${TICK}`);
      this.#close(body.end, "}", start);
    }
  }

  #rewriteStatement(statement: TopLevel, isLast: boolean): void {
    switch (statement.type) {
      case "VariableDeclaration":
        this.#rewriteVariables(statement);
        break;
      case "ClassDeclaration": {
        const { id, start, end } = statement;
        this.#declare(id.name, "class", id.start);
        this.#insert(start, this.#isAsync ? `void(${id.name}=` : `var ${id.name}=`);
        this.#close(end, this.#isAsync ? ");" : ";", start);
        break;
      }
      case "FunctionDeclaration":
        this.#declare(statement.id.name, "function", statement.id.start);
        this.#functions.push(statement);
        break;
      case "ExpressionStatement":
        this.#rewriteExpression(statement, isLast);
        break;
      case "ImportDeclaration":
        this.#rewriteImport(statement);
        break;
      case "ExportNamedDeclaration":
      case "ExportAllDeclaration":
        this.#rewriteExport(statement);
        break;
      case "ExportDefaultDeclaration":
        this.#rewriteDefault(statement, isLast);
        break;
      default:
    }
  }

  #rewriteVariables(declaration: VariableDeclaration): void {
    const { kind, start } = declaration;
    // What it binds is disposed of when the code is over.
    if (kind === "using" || kind === "await using") return;
    this.#declareAll(declaration);
    if (this.#isAsync) this.#toAssignment(declaration, this.#program);
    else if (kind !== "var") this.#replace(start, start + kind.length, "var");
  }

  /** `const a = 1, { b } = c` as an assignment; without a value, and where nothing before it can be continued by it. */
  #toAssignment({ kind, declarations, start, end }: VariableDeclaration, parent: AnyNode): void {
    const isLoop =
      (parent.type === "ForOfStatement" || parent.type === "ForInStatement") && parent.left.start === start;
    const isHead = parent.type === "ForStatement" && parent.init?.start === start;
    const first = declarations[0]!;
    if (isLoop) {
      this.#replace(start, first.start, "");
      return;
    }
    const last = declarations.at(-1)!;
    this.#replace(start, first.start, isHead ? "(" : "void(");
    for (const { id, init, end: at } of declarations) {
      if (init) continue;
      // Its value is undefined from the beginning; that of a variable that was there before stays.
      const { name } = id as { name: string };
      this.#replace(id.start, at, kind === "var" ? "0" : `${name}=undefined`);
    }
    this.#close(last.end, isHead || this.#code[end - 1] === ";" ? ")" : ");", start);
  }

  #rewriteExpression(
    statement: { start: number; end: number; expression: Expression; directive?: string },
    isLast: boolean,
  ): void {
    const { start, end, directive } = statement;
    const endOfValue = this.#endOfValue(end);
    if (isLast && this.#isAsync) {
      this.#insert(start, "return{__proto__:null,value:(");
      this.#close(endOfValue, "\n)}", start);
    } else if (directive !== undefined) {
      // A text is what it seems to be: it makes nothing strict.
      this.#insert(start, ";(");
      this.#close(endOfValue, ")", start);
    }
  }

  #rewriteImport(declaration: Extract<ModuleDeclaration, { type: "ImportDeclaration" }>): void {
    const { start, end, specifiers } = declaration;
    const names = specifiers.map(({ local }) => {
      this.#declare(local.name, "import", local.start);
      return local.name;
    });
    this.#declarations.push({ start, end, names });
    this.#replace(start, end, ";");
  }

  #rewriteExport(
    statement: Extract<ModuleDeclaration, { type: "ExportNamedDeclaration" | "ExportAllDeclaration" }>,
  ): void {
    const { start, end } = statement;
    if (statement.type === "ExportAllDeclaration" || statement.source) {
      throw new CodeError("Cannot export from another module here: import it", start);
    }
    const { declaration } = statement;
    if (!declaration) {
      this.#replace(start, end, ";");
      return;
    }
    this.#replace(start, declaration.start, "");
    this.#rewriteStatement(declaration, false);
  }

  /** What is exported as the default is the value. */
  #rewriteDefault(
    { start, end, declaration }: Extract<ModuleDeclaration, { type: "ExportDefaultDeclaration" }>,
    isLast: boolean,
  ): void {
    const { type } = declaration;
    const isNamed = (type === "FunctionDeclaration" || type === "ClassDeclaration") && declaration.id !== null;
    const isReturned = isLast && this.#isAsync;
    if (isNamed) {
      this.#replace(start, declaration.start, "");
      this.#rewriteStatement(declaration, false);
      const { name } = declaration.id as { name: string };
      this.#close(end, isReturned ? `;return{__proto__:null,value:${name}};` : `;${name};`, start);
      return;
    }
    const words = DEFAULT_EXPORT.exec(this.#code.slice(start, declaration.start))![0];
    this.#replace(start, start + words.length, isReturned ? "return{__proto__:null,value:(" : ";(");
    this.#close(this.#endOfValue(end), isReturned ? "\n)};" : "\n);", start);
  }
}

/** Does it hold what only a function may hold? */
function isFunctionBody(program: Program): boolean {
  let found = false;
  walkCode(program, (node, isInFunction) => {
    if (isInFunction) return;
    const { type } = node;
    found ||= type === "ReturnStatement" || type === "AwaitExpression" || (type === "ForOfStatement" && node.await);
    found ||= type === "VariableDeclaration" && (node.kind === "using" || node.kind === "await using");
  });
  return found;
}

/** A text that is written out. */
function textOf(node: Expression): string | undefined {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type === "TemplateLiteral" && node.expressions.length === 0)
    return node.quasis[0]?.value.cooked ?? undefined;
  return undefined;
}
