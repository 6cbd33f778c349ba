/**
 * Every op of our own: what a guest sends, what it is answered, how it waits, and what serving it does. Both sides take
 * names and shapes from here; a name or a shape that is not here does not compile.
 */
import type { ErrorRecord } from "../frames.ts";
import type { PipelinePlan } from "../pipeline-plan.ts";
import type { ClockReads } from "./features.ts";
import { asyncOp, blockingOp, named, noteOp, syncOp } from "./op.ts";
import type { RunStart, RunYield, WaitAnswer } from "./runs.ts";

/** A result of a script on its way out: a copy, what `console.log` would show, or why there is no copy. */
export interface ResultCopy {
  value?: unknown;
  text?: string;
  uncopied?: ErrorRecord;
}

/** A URL in its parts, as the web platform names them. */
export interface UrlRecord {
  href: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  hash: string;
  origin: string;
}

/** An image as a message keeps it: its URL, or the bytes of one (all ASCII) and what stands for it on the host. */
export interface LoadedImage {
  name: string;
  mediaType: string;
  url?: string;
  reference?: string;
  bytes?: Uint8Array;
}

/** A request of a script's; its body as text, or as bytes in base64. */
export interface FetchSend {
  url: string;
  method: string;
  headers: readonly (readonly [name: string, value: string])[];
  text?: string;
  base64?: string;
  redirect: "follow" | "error" | "manual";
}

/** An answer that has begun; what is in it is read by its id. */
export interface FetchHead {
  id: number;
  url: string;
  status: number;
  statusText: string;
  headers: [name: string, value: string][];
  isRedirected: boolean;
  hasBody: boolean;
  /** What is in it, where somebody has said that: nothing is read then. */
  text?: string;
}

/** What somebody has said to a question of a script's. */
export interface ConsentRecord {
  approved: boolean;
  by: string;
  note?: string;
  /** ISO 8601. */
  at: string;
}

/** What is asked of an MCP server. */
export type McpKind = "tools" | "resources" | "templates" | "prompts";

/** Which of a script's runs is meant. */
interface RunId {
  id: string;
}

/** What an op without arguments is sent. */
type Nothing = {};

const DECLARED = {
  /** Nobody waits for this call any more. */
  op_abort: noteOp<{ callId: number }>("effect"),
  /** Nobody in the guest caught this. */
  error_report: syncOp<ErrorRecord>("effect"),
  /** What the host entered the guest for has come to this. Served after the script's end: the host waits for it. */
  check_settle: noteOp<{ id: number; value?: unknown; error?: ErrorRecord }>("pure"),

  script_settle: syncOp<ResultCopy & { token: number; error?: ErrorRecord }>("effect"),
  /** What a session's code has come to. */
  session_settle: syncOp<ResultCopy & { id: number; error?: ErrorRecord }>("effect"),
  /** May the code that runs in a session go on? */
  session_goes_on: syncOp<Nothing, boolean>("reads", { isLasting: true }),
  script_done: syncOp<ResultCopy>("effect"),
  /** The guest waits in an endless loop to be ended: whoever does not hear of it would wait for that loop. */
  script_exit: syncOp<{ code: number }>("effect", { isLasting: true }),
  /** What the script's exit code is when it ends by itself; undefined for none of its own. */
  script_exit_code: syncOp<{ code: number | undefined }>("effect"),
  /** A run has failed, and an event tells it: until the script looks at the error nobody has. */
  error_keep: noteOp<RunId & { error: ErrorRecord }>("effect"),
  /** The script has looked at the error of this run. */
  error_look: noteOp<RunId>("effect"),
  /** Seen at once: the turn that prints it may go on for long. */
  console_write: noteOp<{ stream: "stdout" | "stderr"; text: string }>("effect", { isUrgent: true }),
  /** The script has printed a promise in place of its value. */
  console_promise: noteOp<Nothing>("effect"),

  /** The guest keeps to the limit itself; the host ends one that does not. */
  timer_start: noteOp<{ id: number; ms: number; kind: "timeout" | "interval" | "immediate" | "weak" }>("effect"),
  timer_clear: noteOp<{ id: number }>("effect"),
  /** Milliseconds since the realm began. */
  clock_now: syncOp<Nothing, number>("pure"),
  /** When that was, in milliseconds since the epoch. */
  clock_origin: syncOp<Nothing, number>("pure"),
  /** What the guest has read of its clock since it last said so; of a virtual one the last read alone. */
  clock_reads: noteOp<{ reads: ClockReads }>("pure"),
  /** Where the script asks for what follows: in replays that look for it. */
  place_tell: noteOp<{ place: string }>("pure"),
  /** So many random bytes, in hex. */
  random_bytes: syncOp<{ count: number }, string>("pure"),
  /** The classes of web streams, as one expression. */
  web_streams: syncOp<Record<string, never>, string>("pure"),
  url_parse: syncOp<{ url: string; base?: string }, UrlRecord | null>("pure"),
  /** The URL after one of its setters. */
  url_set: syncOp<{ href: string; key: string; value: string }, UrlRecord>("pure"),

  /** The guest keeps to the limit of runs itself; what else is refused is an error event of the run. */
  run_start: noteOp<RunStart>("effect", { isTraced: true }),
  /** True: the next event is the interrupt, with as much of the text as had been delivered. */
  run_cancel: syncOp<RunId & { deliveredChars?: number | undefined }, boolean>("effect"),
  /** So many more events of a run that is pulled have been taken. */
  run_ack: noteOp<RunId & { count: number }>("effect"),
  /** Whether a run that was undecided about it forwards its pieces of text to its parent. */
  run_forward: noteOp<RunId & { forwards: boolean }>("effect"),
  /** The outcome of a function that the host has called for a run. */
  run_answer: noteOp<RunId & { callId: number; value?: unknown; error?: ErrorRecord }>("effect"),
  /** A step of the guest's hands out a result; at most {@link YIELD_CREDIT} before `run_resume` says that some were taken. */
  run_yield: noteOp<RunYield>("effect"),
  run_is_aborted: syncOp<RunId, boolean>("reads"),
  /** For a guest that waits: what it is to do next. */
  run_wait: blockingOp<RunId, WaitAnswer>("effect"),
  /** Likewise: returns when there is room for the next. */
  run_yield_wait: blockingOp<RunYield>("effect"),
  run_sleep: blockingOp<RunId & { ms: number }>("reads"),

  /** Sends a request; answered when the answer begins. */
  fetch_send: asyncOp<FetchSend, FetchHead>("effect"),
  /** The next bytes of an answer; null at its end. */
  fetch_read: asyncOp<{ id: number }, Uint8Array | null>("reads"),
  /** Nobody reads the rest of the answer. */
  fetch_close: noteOp<{ id: number }>("effect"),
  /** The script uses an unknown secret: refused, so that the host has said it. */
  secret_refuse: syncOp<{ name: string }>("reads"),

  /** What an MCP server has: its tools as a chat takes them, its resources, their templates, or its prompts. */
  mcp_list: asyncOp<{ server: string; kind: McpKind }, unknown[]>("reads"),
  mcp_read: asyncOp<{ server: string; uri: string }, unknown[]>("reads"),
  mcp_prompt: asyncOp<{ server: string; name: string; args: unknown }, unknown>("reads"),
  /** Tools of all servers that are allowed. */
  mcp_search: asyncOp<{ words: string; limit: number | undefined }, unknown[]>("reads"),
  mcp_describe: asyncOp<{ name: string }, unknown>("reads"),
  /** Likewise of a server. */
  mcp_refuse: syncOp<{ name: string }>("reads"),

  execution_sleep: asyncOp<{ ms: number }>("effect", { isWait: true }),
  /** What somebody sends under this name; in the order sent, each once. */
  execution_receive: asyncOp<{ name: string; ms?: number }, { payload?: unknown }>("effect", { isWait: true }),
  execution_approve: asyncOp<{ question: string; data?: unknown; ms?: number }, ConsentRecord>("effect", {
    isWait: true,
  }),
  /** The next attempt begins the script anew, with this state. */
  execution_checkpoint: asyncOp<{ state?: unknown }>("effect"),

  /** Values that scripts keep by key, beyond their end. */
  store_get: asyncOp<{ key: string }, { value?: unknown }>("reads"),
  store_set: asyncOp<{ key: string; value: unknown }>("effect"),
  /** Was there one? */
  store_delete: asyncOp<{ key: string }, boolean>("effect"),
  /** The keys that begin like this. */
  store_list: asyncOp<{ prefix: string }, string[]>("reads"),

  embedding_model: syncOp<Nothing, { name: string; dimensions: number }>("reads"),
  embedding_generate: asyncOp<{ texts: readonly string[] }, Float32Array[]>("reads"),
  /** From a path, or an `https:`, `http:` or `data:` URL. */
  image_load: asyncOp<{ source: string }, LoadedImage>("reads"),
  /** The picture of a pipeline; refuses one that cannot be built. */
  pipeline_draw: syncOp<{ plan: PipelinePlan; metrics?: unknown }, string>("pure"),
};

export const OPS: ReturnType<typeof named<typeof DECLARED>> = named(DECLARED);
