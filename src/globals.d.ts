/**
 * The globals of a script, for editors and for `tsc --checkJs`. Every example is type-checked and run.
 *
 * In a `jsconfig.json` beside your scripts:
 *
 *     {
 *       "compilerOptions": {
 *         "checkJs": true, "module": "esnext", "moduleDetection": "force", "target": "es2024", "lib": ["es2024"],
 *         "types": ["geppetto-js/globals"]
 *       }
 *     }
 *
 * Leave the DOM and the types of Node out: scripts have neither.
 */
// oxlint-disable typescript/triple-slash-reference -- files of ambient declarations have no imports
/// <reference path="./globals-steps.d.ts" />
/// <reference path="./globals-pipeline.d.ts" />
/// <reference path="./globals-embeddings.d.ts" />
/// <reference path="./globals-chat.d.ts" />
/// <reference path="./globals-conversation.d.ts" />
/// <reference path="./globals-web.d.ts" />
/// <reference path="./globals-performance.d.ts" />
/// <reference path="./globals-streams.d.ts" />
/// <reference path="./globals-console.d.ts" />

/**
 * The script has completed: `value` becomes its result. The rest of the turn still runs, but what it prints and starts
 * is ignored; no further turn runs, and pending runs are cancelled. Later calls do nothing.
 *
 * @example
 * done({ answer: 42 });
 */
declare function done(value?: unknown): void;

/**
 * The raw text that was given with `--input`, or to `runScript`. The function exists only then.
 *
 * @example
 * const text = typeof input === "function" ? input() : "nothing was given";
 */
declare const input: (() => string) | undefined;

/** What a script may know of how it was started, and its output. A shim, not Node's object. */
declare const process: {
  readonly stdout: {
    /**
     * Prints as it is, without a line break.
     *
     * @example
     * process.stdout.write("no line break");
     */
    write(text: string): boolean;
  };
  readonly stderr: {
    /**
     * Prints to stderr as it is, without a line break.
     *
     * @example
     * process.stderr.write("trouble\n");
     */
    write(text: string): boolean;
  };
  /** The command, the script, and the arguments after it. */
  readonly argv: string[];
  /** The variables that were allowed. */
  readonly env: Record<string, string | undefined>;
  /**
   * The exit code of a script that ends by itself, or with `done()` or `process.exit()` without a code; undefined until it is
   * set, to a whole number from 0 to 63 or a text that is one. Anything else throws where it is set.
   *
   * @example
   * if (process.argv.length > 99) process.exitCode = 1;
   */
  get exitCode(): number | undefined;
  set exitCode(code: number | string | null | undefined);
  /**
   * Ends the script at once; it never returns. Codes are 0 to 63, any other becomes 1.
   *
   * @example
   * if (process.argv.includes("--nothing")) process.exit(0);
   */
  exit(code?: number): never;
};
