import type { RuntimeEngineOptions } from "../../runtime-setup/runtime-engine.ts";
import type { ToolSetup } from "../../runtime-setup/tools.ts";
import type { BudgetLimits } from "../providers/cost/budget.ts";
import type { ApproveCall } from "../steps/chat-tools.ts";
import type { FieldsOf } from "../shared/wrong-option.ts";
import type { CodeProgress } from "./code-progress.ts";

/** A function that the code of a model may call: `await tools.NAME(input)`. */
export interface CodeFunction extends Pick<ToolSetup, "description" | "input" | "timeoutMs" | "run"> {
  /** JSON schema of what it gives, or a schema of a library that offers one: the model is told the type. Nothing checks it. */
  output?: ToolSetup["input"];
}

/** What one run of a model's code may ask for. */
export interface RunBounds extends Pick<BudgetLimits, "maxCalls" | "maxTokens" | "maxCost"> {
  /** Calls of functions in `tools`; default 1,000. */
  maxToolCalls?: number;
}

export interface CodeToolOptions extends RuntimeEngineOptions {
  /** The name that models know the tool by; default "run_code". */
  name?: string;
  /** Told to the model before all else: what the code is for, and what else it may use. */
  description?: string;
  /** Functions for the code, by their names; a dot makes a group: "orders.find" is `tools.orders.find(input)`. */
  tools?: Readonly<Record<string, CodeFunction>>;
  /**
   * Ambient TypeScript declarations of what the setup functions define, as `geppetto-js types --engine` prints them: told to
   * the model, and checked.
   */
  types?: string;
  /** What a run declares is there for those after it; they run one at a time. Default false: each has an engine of its own. */
  session?: boolean;
  /** Code whose types do not fit does not run. Needs TypeScript beside geppetto-js. Default true, where there is one. */
  check?: boolean;
  /** What each run may ask for, whatever else bounds it. */
  perRun?: RunBounds;
  /** Runs that may be under way at once; more wait. Default 4; with `session` 1. */
  concurrency?: number;
  /** Longest value that a model is shown, as JSON, in characters; default 20,000. */
  maxResultChars?: number;
  /** Most of the output that a model is shown, in characters; default 10,000. */
  maxConsoleChars?: number;
  /**
   * Most that the description says of `tools`, in characters; default 4,000. What has no room whole is told with all types and
   * without descriptions, else by names; the rest is found by `searchTools` and `describeTool`.
   */
  maxTypesChars?: number;
  /** Asked before each call of a function in `tools`, one at a time; default: all are made. */
  onApprove?: ApproveCall;
  /** How long a session may rest before it is ended with what was declared, in milliseconds; default 10 minutes. */
  idleMs?: number;
}

/** What a model gives. */
export interface CodeInput {
  code: string;
  /** What `input()` gives: a text as it is, anything else as JSON. */
  input?: unknown;
  /** Begins the session anew. */
  restart?: boolean;
}

export interface ExecuteOptions {
  /** Ends the run; its result says so. */
  signal?: AbortSignal;
  /** Hears what the run does, while it does it. */
  onProgress?: (progress: CodeProgress) => void;
  /** Names the run; default a UUID. */
  runId?: string;
  /** For the call context of ops, functions and approvals. */
  tenant?: string;
  context?: unknown;
}

/** What a tool has besides what an engine has. */
export const OWN_OPTIONS: FieldsOf<Omit<CodeToolOptions, keyof RuntimeEngineOptions>> = {
  name: true,
  description: true,
  tools: true,
  types: true,
  session: true,
  check: true,
  perRun: true,
  concurrency: "amount",
  maxResultChars: "amountOrNone",
  maxConsoleChars: "amountOrNone",
  maxTypesChars: "amountOrNone",
  onApprove: true,
  idleMs: "amount",
};

export const RUN_BOUNDS: FieldsOf<RunBounds> = {
  maxCalls: "amountOrNone",
  maxTokens: "amountOrNone",
  maxCost: "amountOrNone",
  maxToolCalls: "amountOrNone",
};

export const EXECUTE_OPTIONS: FieldsOf<ExecuteOptions> = {
  signal: true,
  onProgress: true,
  runId: true,
  tenant: true,
  context: true,
};
