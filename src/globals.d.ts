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
/// <reference path="./globals-chat.d.ts" />
/// <reference path="./globals-conversation.d.ts" />
/// <reference path="./globals-web.d.ts" />
/// <reference path="./globals-performance.d.ts" />
/// <reference path="./globals-fetch.d.ts" />
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

/** What somebody has said to a question. A refusal is a value like any other. */
interface Consent {
  readonly approved: boolean;
  /** Who says so. */
  readonly by: string;
  readonly note?: string;
  /** When, in ISO 8601. */
  readonly at: string;
}

/**
 * Values that a script keeps by key, for its next run too: on the command line for each file of a script and profile, in a
 * host app where the host says so. What `test`, `--deterministic` and `--untrusted` run has an empty one that ends with the run.
 * Keys have up to 512 characters, a value 1 MB of JSON; there are at most 10,000 keys and 16 MB. Calls take effect in order.
 */
declare const store: {
  /**
   * A copy of the value; undefined where there is none.
   *
   * @example
   * const count = (await store.get("count")) ?? 0;
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- the script knows what it has kept
  get(key: string): Promise<any>;
  /**
   * Keeps a copy of the value: plain data, dates, maps, sets, bytes and errors. Resolves when it is kept.
   *
   * @throws `ValidationError` for what cannot be copied; `LimitError` with code `ERR_STORE_LIMIT` where there is no room.
   * @example
   * await store.set("count", 1);
   */
  set(key: string, value: unknown): Promise<void>;
  /**
   * Forgets a value. Was there one?
   *
   * @example
   * await store.delete("count");
   */
  delete(key: string): Promise<boolean>;
  /**
   * The keys that begin like this, in order; default all.
   *
   * @example
   * const keys = await store.list("user/");
   */
  list(prefix?: string): Promise<string[]>;
};

/**
 * This execution of the script: one script from its beginning to its outcome, over any number of attempts. Without
 * `--durable` it lives as long as its process.
 */
declare const execution: {
  readonly id: string;
  /** Which attempt goes on here, from 1. While one brings the script back to where it was, it is that of then. */
  readonly attempt: number;
  /** It outlives its process. */
  readonly durable: boolean;
  /** What this attempt began from: what the last `checkpoint()` before it was given; undefined where there was none. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the script knows what it has kept
  readonly state: any;
  /**
   * Waits for so many milliseconds, or for a time such as "90s", "1.5h" or "3d". A durable execution that waits for nothing
   * else is suspended meanwhile: nothing of it runs.
   *
   * @throws `ValidationError` for what is not a time; the signal's reason.
   * @example
   * await execution.sleep("20ms");
   */
  sleep(time: number | string, options?: { signal?: AbortSignal }): Promise<void>;
  /**
   * Waits for what somebody sends under this name: `geppetto-js runs send ID NAME`, or the host. In the order sent, each once.
   *
   * @throws `TimeoutError` when the time is up; code `ERR_NOT_DURABLE` where nobody could ever send anything.
   * @example
   * const order = await execution.receive("paid", { timeout: "30ms" }).catch((error) => error.name);
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- the script knows what it is sent
  receive(name: string, options?: { timeout?: number | string; signal?: AbortSignal }): Promise<any>;
  /**
   * Asks somebody for consent: `geppetto-js runs approve ID`, or the host. `data` is shown with the question.
   *
   * @throws `TimeoutError` when the time is up; code `ERR_NOT_DURABLE` where nobody could ever answer.
   * @example
   * const consent = await execution.approve("Pay 10 EUR?", { data: { to: "ann" }, timeout: "30ms" }).catch(() => undefined);
   * console.log(consent?.approved === true ? "paid" : "not paid");
   */
  approve(
    question: string,
    options?: { data?: unknown; timeout?: number | string; signal?: AbortSignal },
  ): Promise<Consent>;
  /**
   * Forgets what the journal holds of this execution: its next attempt begins the script at its top, with this state. Nothing
   * else should be under way.
   *
   * @example
   * const done = execution.state?.done ?? 0;
   * await execution.checkpoint({ done: done + 1 });
   */
  checkpoint(state?: unknown): Promise<void>;
};

interface SubScriptOptions {
  /** What `input()` gives the code: a text as it is, everything else as JSON. Without it there is no such global. */
  input?: unknown;
  /** Functions of this script that the code may call, as `await tools.NAME(…)`. Values are copied, both ways. */
  tools?: Record<string, (...args: never[]) => unknown>;
  /** Ends the sub-script. */
  signal?: AbortSignal | undefined;
  /** What it may use, at most what this script may. */
  limits?: {
    /** Default 32, at least 16; all that run at a time have together what this script may have. */
    memoryMB?: number;
    /** Default 30,000. */
    wallMs?: number;
    /** Default 10,000; all of a script have together what it may have. */
    cpuMs?: number;
    /** Longest time without a pause; default 5,000. */
    turnMs?: number;
    /** Default 1,000,000. */
    outputBytes?: number;
    /** Calls of tools; default 1,000. */
    calls?: number;
  };
  /** The name that its stacks have; default "sub-script.js". */
  name?: string;
  /** Hears what it prints, as it does. */
  onOutput?: (text: string) => void;
}

/** How a sub-script has ended. */
interface SubScriptOutcome {
  ok: boolean;
  /** "completed", "done", "exit", "uncaught", "load", "stalled", "limit" or "crashed". */
  end: string;
  /** A copy of what the last expression gave, or `done()` was given. */
  value?: unknown;
  /** The same as `console.log` shows it. */
  text?: string;
  /** Why it failed, and where in its code; both count from 1. */
  error?: { name: string; message: string; code?: string; line?: number; column?: number };
  /** All that it has printed. */
  output: string;
  /** How often it has called tools. */
  calls: number;
}

/**
 * Runs code that is not to be trusted, such as a model's: in a process of its own, which has the language, the console, timers,
 * the web's basics and `tools`, and nothing of this script's. It may be JavaScript or TypeScript, and may await. How it fails
 * is part of what this resolves with; it rejects for wrong options, for the signal's reason, and where no share of the
 * script's limits is left (`ERR_LIMIT_SUB_SCRIPTS`). It ends with this script.
 *
 * @example
 * const outcome = await runScript("await tools.price('tea') * 2", { tools: { price: (item) => (item === "tea" ? 3 : 0) } });
 * outcome.value; // → 6
 */
declare function runScript(code: string, options?: SubScriptOptions): Promise<SubScriptOutcome>;
