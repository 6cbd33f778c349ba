import { Parser, type Options, type Program } from "acorn";

export interface ParsedCode {
  program: Program;
  /** Where the tokens begin, in order. */
  tokens: number[];
}

/** Why a text is not JavaScript, and from where on. */
export interface ParseFailure {
  message: string;
  offset: number;
  isIncomplete: boolean;
}

const OPTIONS: Options = {
  ecmaVersion: "latest",
  sourceType: "script",
  allowAwaitOutsideFunction: true,
  allowImportExportEverywhere: true,
  allowReturnOutsideFunction: true,
  allowHashBang: true,
};

/** Looks for no name that is declared twice, which takes time that grows with the square of their number. */
const LinearParser = class extends (Parser as unknown as new (options: Options, code: string) => object) {
  declareName(): void {}
} as unknown as typeof Parser;

/** The tree of a session's code: a script that may await, import and return at its top level. */
export function parseCode(code: string): ParsedCode | ParseFailure {
  const tokens: number[] = [];
  try {
    const program = LinearParser.parse(code, { ...OPTIONS, onToken: ({ start }) => void tokens.push(start) });
    return { program, tokens };
  } catch (error) {
    const { message, pos: offset = 0 } = error as { message: string; pos?: number };
    if (error instanceof RangeError) return { message: "it is nested too deeply", offset: 0, isIncomplete: false };
    const isCut =
      /^Unterminated (?:template|comment)/.test(message) ||
      (message.startsWith("Unterminated string") && /\\\r?\n?$/.test(code));
    const isIncomplete = isCut || offset >= code.trimEnd().length;
    return { message: message.replace(/ \(\d+:\d+\)$/, ""), offset, isIncomplete };
  }
}

/** Why code that parses cannot run, as V8 would word it, and from where on. */
export class CodeError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}
